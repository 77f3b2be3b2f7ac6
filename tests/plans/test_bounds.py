"""Whatever a plan or an option says, it resolves or is refused in one line, after little work."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.checks import refused
from tests.support.effort import at_most
from tests.support.sweeps import PATH, plan
from workbench.config import Recipe
from workbench.errors import InputError
from workbench.models import spec
from workbench.models.spec import SLOTS, options_of
from workbench.plans.changes import Changes
from workbench.plans.file import parse_plan
from workbench.plans.kinds import KINDS
from workbench.plans.names import check_name
from workbench.train.recipes import recipe

CALLS = 20_000_000  # some seconds of work
SIZES = {
    "cmt_digits dim=1000000000000": ("dim[0]", "at most 65536"),
    "cmt_digits depth=1000000000": ("depth[0]", "at most 256"),
    "cmt_digits heads=9223372036854775807": ("heads[0]", "at most 65536"),
    "cmt_digits stride=9223372036854775807": ("stride[0]", "at most 65536"),
    "cmt_digits resolution=1000000000000": ("resolution", "at most 65536"),
    "cmt_digits channels=1000000000000": ("channels", "at most 65536"),
    "cmt_digits ffn.ratio=1.0e+308": ("ffn.ratio[0]", "at most 65536"),
    "cmt_digits ffn.ratio=1e-9": ("ffn.ratio[0]", "leaves no channel"),
    "cmt_digits mixer.k=1000000000000": ("mixer.k[0]", "at most 65536"),
    "cmt_digits dim=9223372036854775808": ("dim: ", "whole numbers go to 9223372036854775807"),
    "cmt_digits ffn.ratio=true": ("ffn.ratio[0]: True is refused: it must be a number",),
}


@pytest.mark.parametrize("words", SIZES)
def test_sizes_without_sense_name_their_bound_at_once(words: str) -> None:
    with at_most(CALLS):
        refused(lambda: spec(*words.split()), *SIZES[words])


ROWS = [{"name": f"r{index}", "base": "small", "set": {"dim": index + 1}} for index in range(1001)]
TOGGLES = {f"t{index}": f"dim={index}" for index in range(41)}
PLANS: dict[str, tuple[dict[str, Any], str]] = {
    "seeds": ({"seeds": 1_000_000_000}, "seeds: 1000000000 is refused: there may be 10000 seeds"),
    "a race": ({"seeds": {"min": 2, "max": 10**9, "stop": "decided"}}, "seeds.max: 1000000000"),
    "a seed": ({"seeds": [2**63]}, "seeds.0: 9223372036854775808 is refused: it must be at most"),
    "rows": ({"rows": ROWS}, "rows: 1,001 are refused: a plan has at most 1,000"),
    "runs": ({"rows": ROWS[:11], "seeds": 10_000}, "seeds: 10,000 for each of 11 rows are refused"),
    "a long name": ({"name": "x" * 101}, "name: it has 101 characters, and may have 100"),
    "a long row": ({"rows": [{"name": "x" * 201, "base": "small"}]}, "rows.0.name: 'xxx"),
    "two lines": ({"rows": [{"name": "a\nb", "base": "small"}]}, "must be one line"),
}


@pytest.mark.parametrize("what", PLANS)
def test_plans_without_end_name_their_bound_at_once(what: str) -> None:
    fields, message = PLANS[what]
    with at_most(CALLS):
        refused(lambda: plan(**fields), message)


@pytest.mark.parametrize(
    ("kind", "fields", "message"),
    [
        ("pairs", {"toggles": TOGGLES}, "toggles: .* is refused: it has more than 40"),
        (
            "factorial",
            {"toggles": TOGGLES | {"t40": "dim=1"}, "generators": {}},
            "toggles: .* is refused: it has more than 40",
        ),
        (
            "factorial",
            {
                "toggles": dict(list(TOGGLES.items())[:17]),
                "generators": {f"t{index}": ["t0", "t1"] for index in range(8, 17)},
            },
            "generators: 9 are refused: at most 8",
        ),
    ],
)
def test_combinations_are_counted_before_they_are_made(
    kind: str, fields: dict[str, Any], message: str
) -> None:
    data = {"kind": kind, "name": "f", "recipe": "digits", "base": "small", **fields}
    with pytest.raises(InputError, match=message):
        parse_plan(data).choices()


@pytest.mark.parametrize(
    "name", ["../../x", "/tmp/x", "a\n", "a\nb", "", ".", "..", "a/b", ".hidden", "x" * 101, "é"]
)
def test_a_name_stays_within_its_folder(name: str) -> None:
    refused(lambda: check_name(name), "name: ")
    refused(lambda: Changes(name=name), "--name: ")


@pytest.mark.parametrize("name", ["measured", "published", "Measured"])
def test_folders_that_ship_are_not_written_into(name: str) -> None:
    refused(lambda: Changes(name=name), f"--name: {name!r} is refused", "ships with the project")


# ---------------------------------------------------------------- whatever is written

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["lpu=none", "dim=4", "digits", "cmt_digits", "1%", "lpu", "small", "A"])
)  # fmt: skip
ODD = SCALARS | st.dates() | st.binary(max_size=3) | st.sets(st.integers(), max_size=2)
DATA = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=4) | st.sampled_from(["name", "set", "A"]), inner, max_size=3
        )
        | st.dictionaries(st.integers() | st.none() | st.booleans(), inner, max_size=2)
    ),
    max_leaves=5,
)
BASES: dict[str, dict[str, Any]] = {
    kind: {"name": "n", "recipe": {"epochs": 1}, "base": "small", "growth": 2.0, "factor": "lpu",
           "toggles": {"A": "lpu=none", "B": {"dim": 4}}, "rows": PATH["rows"], "seeds": 2}
    for kind in KINDS
}  # fmt: skip
FIELDS = [(kind, field) for kind, model in KINDS.items() for field in model.model_fields]
STEP = ["name", "base", "set", "changed", "published"]


def works_or_is_refused(call: Any) -> None:
    try:
        with at_most(CALLS):
            call()
    except InputError as error:
        line = str(error)
        assert "\n" not in line
        assert len(line) < 1000


ANY = settings(max_examples=200, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@given(st.sampled_from(FIELDS), DATA)
@ANY
def test_any_value_of_any_field_resolves_or_is_refused(field: tuple[str, str], value: Any) -> None:
    kind, name = field
    known = set(KINDS[kind].model_fields)
    data = {key: held for key, held in BASES[kind].items() if key in known}
    alias = KINDS[kind].model_fields[name].alias or name
    works_or_is_refused(lambda: plan(**{"rows": None, **data, "kind": kind, alias: value}))


@pytest.mark.slow
@given(st.sampled_from(STEP), DATA)
@ANY
def test_any_value_of_a_row_resolves_or_is_refused(field: str, value: Any) -> None:
    rows = [{"name": "a", "base": "small"}, {"name": "b", "set": "lpu=none", field: value}]
    works_or_is_refused(lambda: plan(rows=rows))


def keys_of(part: Any, prefix: str = "") -> list[str]:
    found = []
    for name, value in part:
        found += keys_of(value, f"{prefix}{name}.") if hasattr(value, "model_fields") else []
        found.append(f"{prefix}{name}")
    return found


TEXTS = st.text(max_size=12) | st.sampled_from(
    ["2024-13-45", "!!int foo", "9" * 5000, "? [a, b] : 1", "[" * 5000, "&a [*a]", "!!binary aGk=",
     "!!set {a}", "true", "1:30", "[1, 2]", "{a: 1}", "none", "1e308", "-1", "{1: 2}", "{[a]: b}"]
)  # fmt: skip


@pytest.mark.slow
@given(st.sampled_from(keys_of(Recipe())), TEXTS)
@ANY
def test_any_set_of_a_recipe_is_a_recipe_or_is_refused(key: str, value: str) -> None:
    works_or_is_refused(lambda: recipe("digits", f"{key}={value}"))


KEYS = [*SLOTS, *(f"{slot}.{option}" for slot in SLOTS for name in SLOTS[slot]
        for option in options_of(slot, name).model_fields), "depth", "dim", "heads", "stride",
        "resolution", "channels", "classes", "drop_path", "dropout"]  # fmt: skip


@pytest.mark.slow
@given(st.sampled_from(sorted(set(KEYS))), TEXTS | st.integers().map(str) | st.floats().map(str))
@ANY
def test_any_set_of_a_network_is_a_network_or_is_refused(key: str, value: str) -> None:
    works_or_is_refused(lambda: spec("cmt_digits", f"{key}={value}"))
