"""What this machine and installation have, what is missing, and the command that mends it."""

import os
import platform
import shlex
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import Requirement
from rich.console import Group, RenderableType

from workbench.errors import InputError, unknown
from workbench.machine import cache_folder, gpu_names, package_version
from workbench.show.console import plural
from workbench.show.table import Cell, Column, Table, cell
from workbench.show.terminal import view
from workbench.version import __version__

State = Literal["ok", "note", "missing", "broken"]
STYLES: Mapping[State, str] = {"ok": "green", "note": "cyan", "missing": "yellow", "broken": "red"}
DISTRIBUTION = "cmt-workbench"
EXTRAS = ("loggers", "notebooks", "ray")
LITTLE_MEMORY, LITTLE_DISK = 2 << 30, 1 << 30  # bytes
DOWNLOADS = ("cifar10", "cifar100", "flowers102", "oxford_iiit_pets")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `missing` is not needed by everyone; `broken` is."""

    area: str
    name: str
    state: State
    text: str
    mend: str | None = None


def examine(results: Path = Path("results")) -> tuple[Finding, ...]:
    """All findings; `results` is a results folder or a folder of them."""
    return (*_machine(results), *_packages(), *_data(), *_ledgers(results))


def healthy(findings: Sequence[Finding]) -> bool:
    """Whether nothing is broken."""
    return not any(finding.state == "broken" for finding in findings)


def to_json(findings: Sequence[Finding]) -> dict[str, object]:
    """The findings as `--json` prints them."""
    return {"healthy": healthy(findings), "findings": [asdict(finding) for finding in findings]}


COLUMNS = (
    Column("name", ("name",), "name"),
    Column("state", ("state",), "name"),
    Column("found", ("found", "mend"), "text"),
)


def table(findings: Sequence[Finding]) -> RenderableType:
    """The findings for a terminal by area, a mend below what it mends."""
    areas = groupby(findings, key=lambda finding: finding.area)
    tables = (Table(area, COLUMNS, [*map(_row, found)], header=False) for area, found in areas)
    return Group(*map(view, tables))


def _row(finding: Finding) -> tuple[Cell, ...]:
    text = finding.text + (f"\n-> {finding.mend}" if finding.mend else "")
    state = cell(finding.state.ljust(len("missing")), finding.state, style=STYLES[finding.state])
    name = cell(f"  {finding.name:10}", finding.name)
    return name, state, cell(text, finding.text, finding.mend)


# ---------------------------------------------------------------- machine and packages


def _machine(results: Path) -> Iterator[Finding]:
    from workbench.engine.resources import cores, divide, memory

    yield _device()
    shares = divide(None, 1000, "cpu")
    workers = f"{plural(shares.jobs, 'worker')} of {plural(shares.threads, 'thread')}"
    text = f"{cores()}; on a CPU a sweep has {workers}"
    yield Finding("machine", "cores", "ok", text)
    free = memory()
    low = free < LITTLE_MEMORY
    yield Finding(
        "machine", "memory", "missing" if low else "ok", f"{free / 2**30:.1f} GiB free",
        "workbench ablate PLAN --jobs 1" if low else None,
    )  # fmt: skip
    place = next(p for p in (results.resolve(), *results.resolve().parents) if p.exists())
    left = shutil.disk_usage(place).free
    state: State = "missing" if left < LITTLE_DISK else "ok"
    yield Finding("machine", "disk", state, f"{left / 2**30:.1f} GiB free at {place}")


def _device() -> Finding:
    try:
        import torch
    except ImportError as error:
        return Finding("machine", "device", "broken", str(error), "pip install torch torchvision")
    build = f"torch {torch.__version__}, built for {_built_for(torch)}"
    if names := gpu_names():
        return Finding("machine", "device", "ok", f"{', '.join(names)}; {build}")
    if shutil.which("nvidia-smi"):
        mend = "install the torch of your driver: https://pytorch.org/get-started/locally"
        return Finding("machine", "device", "missing", f"cpu, beside an NVIDIA GPU; {build}", mend)
    return Finding("machine", "device", "ok", f"cpu; {build}")


def _built_for(torch: Any) -> str:
    if torch.version.cuda:
        return f"CUDA {torch.version.cuda}"
    return f"ROCm {torch.version.hip}" if getattr(torch.version, "hip", None) else "CPUs"


def _packages() -> Iterator[Finding]:
    yield Finding(
        "packages", "workbench", "ok", f"{__version__} on Python {platform.python_version()}"
    )
    try:
        wanted = [Requirement(text) for text in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        text = "is run from its source, so that its requirements are not known"
        yield Finding("packages", DISTRIBUTION, "missing", text, "pip install -e .")
        return
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    yield _installed("required", needed, "broken")
    for extra in EXTRAS:
        of_extra = [
            each for each in wanted
            if each not in needed and each.marker and each.marker.evaluate({"extra": extra})
        ]  # fmt: skip
        mend = f"pip install '{DISTRIBUTION}[{extra}]'"
        yield _installed(extra, of_extra, "missing", mend)


def _installed(
    name: str, wanted: Sequence[Requirement], state: State, mend: str | None = None
) -> Finding:
    faults = {each: fault for each in wanted if (fault := _fault(each))}
    if not faults:
        return Finding("packages", name, "ok", plural(len(wanted), "package"))
    return Finding("packages", name, state, ", ".join(faults.values()), mend or _pip(list(faults)))


def _pip(wanted: Sequence[Requirement]) -> str:
    return shlex.join(["pip", "install", *(f"{each.name}{each.specifier}" for each in wanted)])


def _fault(wanted: Requirement) -> str | None:
    found = package_version(wanted.name)
    if found is None:
        return f"{wanted.name} is not installed"
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return f"{wanted.name} is {found}, not {wanted.specifier}"


# ---------------------------------------------------------------- data and results


def _data() -> Iterator[Finding]:
    from workbench.config import DataConfig
    from workbench.data import describe

    for name in ("digits", *DOWNLOADS):
        try:
            info = describe(DataConfig(name=name))
        except InputError:
            text = f"not in {cache_folder() / 'torchvision'}"
            yield Finding("data", name, "missing", text, f"workbench fetch {name}")
        else:
            text = f"{info.train_size} images for training, {info.test_size} for test"
            yield Finding("data", name, "ok", text)


def fetch(name: str) -> str:
    """Download a data set to where runs look for it; says what there is now.

    Raises `InputError` for a set that can't be downloaded, or could not be.
    """
    from workbench.config import DataConfig
    from workbench.data import describe

    if name not in DOWNLOADS:
        raise unknown("data", name, DOWNLOADS)
    info = describe(DataConfig(name=name, download=True))
    return f"{name}: {info.train_size} images for training, {info.test_size} for test"


def _ledgers(results: Path) -> Iterator[Finding]:
    from workbench.plans.load import PLAN
    from workbench.runs.folder import LEDGER

    if not results.is_dir():
        yield Finding("results", str(results), "note", "no such folder yet")
        return
    below = (results, *sorted(path for path in results.iterdir() if path.is_dir()))
    found = [path for path in below if _may_hold(path, LEDGER, PLAN)]
    if not found:
        yield Finding("results", str(results), "note", "no results yet")
    for folder in found:
        yield _ledger(folder)


def _may_hold(folder: Path, *files: str) -> bool:
    """Whether one of the files is there, or we may not look."""
    try:
        return any((folder / file).exists() for file in files)
    except OSError:
        return True


def _ledger(folder: Path) -> Finding:
    from workbench.runs.folder import LEDGER, in_use
    from workbench.runs.results import load_sweep

    name = str(folder)
    try:
        damage = _damage(folder / LEDGER)
        sweep = load_sweep(folder)
        used = in_use(folder)
    except Exception as error:  # whatever a file may hold, the other findings are still wanted
        return _unreadable(folder, str(error) or type(error).__name__)
    if damage:
        return _unreadable(folder, damage)
    counts = Counter(run.status for run in sweep.runs)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    text = f"{plural(len(sweep.runs), 'run')}: {told}"
    if used:
        return Finding("results", name, "note", f"{text}; a sweep is at work")
    if all(run.final for run in sweep.runs):
        return Finding("results", name, "ok", text)
    # The command that goes on stands in a file there, and what a file says is not to be pasted.
    return Finding("results", name, "note", f"{text}; the command that began it goes on with it")


def _unreadable(folder: Path, why: str) -> Finding:
    from workbench.runs.folder import LEDGER

    path = folder / LEDGER
    move = shlex.join(["mv", str(path), f"{path}.bad"]) if os.path.exists(path) else None
    return Finding("results", str(folder), "broken", why, move)


def _damage(ledger: Path) -> str | None:
    """What SQLite finds wrong with the file, if anything; its content is for `load_sweep`."""
    if not ledger.exists():
        return None
    try:
        uri = f"{ledger.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        return f"{ledger}: {error}"
    return None if verdict == "ok" else f"{ledger}: {verdict}"
