"""Tests against real servers, which a script here starts: `WORKBENCH_CLUSTERS=1 pytest -n 0`."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .sweeps import ABLATE, PLAN, Sweep

ASKED = "WORKBENCH_CLUSTERS"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """They change the machine that they run on, so that they have to be asked for."""
    if not os.environ.get(ASKED):
        for item in items:
            if item.path.parent.name == "clusters":
                item.add_marker(pytest.mark.skip(reason=f"needs {ASKED}=1; see CONTRIBUTING.md"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the plan is, and `here`, what it gives without a cluster: one thread each."""
    folder = tmp_path_factory.mktemp("sweeps")
    (folder / "tiny.yaml").write_text(PLAN)
    jobs = str(len(os.sched_getaffinity(0)))
    subprocess.run([*ABLATE, "--jobs", jobs, "--results", "here"], cwd=folder, check=True)
    return folder


@pytest.fixture
def sweep(place: Path) -> Iterator[Callable[..., Sweep]]:
    """Makes sweeps; what is left of them is ended."""
    made: list[Sweep] = []

    def make(name: str, *words: str) -> Sweep:
        made.append(Sweep(place, name, *words))
        return made[-1]

    yield make
    for each in made:
        each.end()
