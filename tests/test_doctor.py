"""What the doctor finds, and that what mends it is named."""

import json
from pathlib import Path

import pytest

from tests.support.sweeps import options, plan, quiet, small_zoo  # noqa: F401
from workbench import doctor
from workbench.data import describe
from workbench.errors import InputError
from workbench.runs.folder import locked
from workbench.runs.sweep import run_sweep


def of(findings: tuple[doctor.Finding, ...], area: str, name: str = "") -> list[doctor.Finding]:
    return [each for each in findings if each.area == area and name in each.name]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_machine_without_downloads_is_healthy_and_told_how_to_get_them(home: Path) -> None:
    findings = doctor.examine(home / "results")
    assert doctor.healthy(findings)
    (digits,) = of(findings, "data", "digits")
    assert digits.state == "ok"
    (cifar,) = of(findings, "data", "cifar10")[:1]
    assert (cifar.state, cifar.mend) == ("missing", "workbench fetch cifar10")
    assert {each.name for each in of(findings, "machine")} == {"device", "cores", "memory", "disk"}
    assert "no such folder" in of(findings, "results")[0].text
    json.dumps(doctor.to_json(findings), allow_nan=False)


def test_a_package_that_is_missing_or_old_comes_with_the_command(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ["no-such-package>=1", "numpy>=9999", 'wandb-not-here; extra == "loggers"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    findings = doctor.examine(home)
    (required,) = of(findings, "packages", "required")
    assert required.state == "broken"
    assert not doctor.healthy(findings)
    assert required.mend == "pip install 'no-such-package>=1' 'numpy>=9999'"
    (loggers,) = of(findings, "packages", "loggers")
    assert (loggers.state, loggers.mend) == ("missing", "pip install 'cmt-workbench[loggers]'")


@pytest.mark.slow
def test_ledgers_are_whole_open_in_use_or_damaged(home: Path) -> None:
    results = home / "results"
    for name, fit in (("done", "quick"), ("open", "raising"), ("hurt", "quick")):
        run_sweep(plan(name=name), results / name, options(fit, command=f"do {name}"), quiet())
    ledger = results / "hurt" / "ledger.db"
    data = bytearray(ledger.read_bytes())
    data[4096:8192] = bytes(4096)
    ledger.write_bytes(data)

    found = {Path(each.name).name: each for each in of(doctor.examine(results), "results")}
    assert found["done"].state == "ok"
    assert found["done"].text == "6 runs: 6 completed"
    assert (found["open"].state, found["open"].mend) == ("note", None)
    assert "6 failed" in found["open"].text
    assert found["hurt"].state == "broken"
    assert found["hurt"].mend == f"mv {ledger} {ledger}.bad"
    with locked(results / "open"):
        (in_use,) = of(doctor.examine(results / "open"), "results")
    assert "a sweep is at work" in in_use.text


def test_fetch_downloads_and_refuses_what_is_no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        "workbench.data.describe",
        lambda config: (
            asked.append(config),
            describe(config.model_copy(update={"name": "digits"})),
        )[1],
    )
    assert "cifar10: 1198 images" in doctor.fetch("cifar10")
    assert asked[0].download
    with pytest.raises(InputError, match="unknown 'cifar'; nearest: 'cifar10"):
        doctor.fetch("cifar")
