"""Damaged content of results folders: what can't be read is named and set aside."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench import doctor
from workbench.cli import main
from workbench.errors import InputError, InputWarning
from workbench.runs.results import load_sweep, read_environment, read_export

SHIPPED = Path(__file__).parents[2] / "results" / "measured" / "quickstart"
FILES = ("plan.json", "runs.jsonl", "environment.json")
ODD: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.just([]), st.just({}), st.just([[{}]]), st.just("2023-02-29"), st.just(10**400),
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged")


def fresh(folder: Path) -> Path:
    for name in FILES:
        shutil.copy(SHIPPED / name, folder / name)
    return folder


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "runs.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def write_lines(folder: Path, runs: list[dict[str, Any]]) -> None:
    (folder / "runs.jsonl").write_text("".join(json.dumps(run) + "\n" for run in runs))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("spec", 3), ("status", "finished"), ("seed", "zero"), ("top1", "high"), ("host", [1]),
        ("details", "none"), ("variant", "of another plan"), ("curve", [3]), ("started", "today"),
        ("details", {"validation_top1": "high"}), ("details", {"calibration error": 10**400}),
    ],
)  # fmt: skip
def test_a_run_that_can_t_be_read_is_named_and_the_rest_stays(
    folder: Path, key: str, value: object
) -> None:
    runs = lines(fresh(folder))
    runs[2][key] = value
    write_lines(folder, runs)
    with pytest.warns(InputWarning, match="1 run can't be read"):
        sweep = load_sweep(folder)
    assert len(sweep.runs) == len(runs) - 1
    assert runs[2]["id"] not in {run.id for run in sweep.runs}
    with pytest.raises(InputError, match=r"runs\.jsonl is damaged"):  # a ledger is not made of it
        read_export(folder)


def test_a_fact_of_the_environment_that_is_no_scalar_is_left_out(folder: Path) -> None:
    """A merge counts what folders say as keys, which a list can't be."""
    facts = {"command": [[{}]], "torch": {"a": 1}, "threads": 2, "git": None}
    (folder / "environment.json").write_text(json.dumps(facts))
    assert read_environment(folder) == {"threads": 2, "git": None}


@st.composite
def damage(draw: st.DrawFn) -> tuple[str, Any]:
    """A file, and what becomes of it: bytes written over, or a value of its JSON replaced."""
    name = draw(st.sampled_from(FILES))
    if draw(st.booleans()):
        return name, (draw(st.floats(0, 0.999)), draw(st.binary(max_size=9)))
    return name, ([draw(st.integers(0, 999)) for _ in range(5)], draw(ODD))


def apply(folder: Path, name: str, change: Any) -> None:
    path, (where, what) = folder / name, change
    if isinstance(where, float):
        data = path.read_bytes()
        place = int(where * len(data))
        path.write_bytes(data[:place] + what + data[place + len(what) :])
        return
    document = lines(folder) if name == "runs.jsonl" else json.loads(path.read_text())
    here: Any = document
    for index in where:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = keys[index % len(keys)]
        if index == where[-1] or not (isinstance(here[key], dict | list) and here[key]):
            break
        here = here[key]
    here[key] = what
    if name == "runs.jsonl":
        write_lines(folder, document)
    else:
        path.write_text(json.dumps(document))


def ends_well(*words: str) -> None:
    """The command ends with 0 or 2, and no exception but those."""
    sys.argv = ["workbench", *words]
    code: object = 0
    try:
        main()
    except SystemExit as stop:
        code = stop.code
    assert code in (0, 2, None), words


SOFT = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SOFT
@pytest.mark.filterwarnings("ignore")
@given(change=damage())
def test_commands_that_read_end_with_0_or_2(folder: Path, change: tuple[str, Any]) -> None:
    apply(fresh(folder), *change)
    ends_well("runs", str(folder))
    ends_well("compare", str(folder), str(SHIPPED))
    ends_well("show", lines(SHIPPED)[0]["id"], "--results", str(folder))
    found = doctor._ledger(folder)
    assert found.mend is None  # there is no ledger here to move, and no file's command is offered


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@settings(SOFT, max_examples=3)  # it reads with the code of the commands above, and draws for long
@given(change=damage())
def test_a_report_ends_with_0_or_2(folder: Path, change: tuple[str, Any]) -> None:
    apply(fresh(folder), *change)
    ends_well("report", str(folder))


def test_doctor_survives_what_it_looks_at_and_offers_no_command_from_a_file(folder: Path) -> None:
    fresh(folder)
    facts = json.loads((folder / "environment.json").read_text())
    (folder / "environment.json").write_text(json.dumps({**facts, "command": "rm -rf ~"}))
    runs = lines(folder)
    runs[0]["status"] = "failed"
    write_lines(folder, runs)
    assert "rm" not in str(doctor._ledger(folder))
    (folder / "plan.json").write_text("[" * 100_000)
    assert doctor._ledger(folder).state == "broken"
