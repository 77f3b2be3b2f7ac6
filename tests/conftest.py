"""Settings that all rooms' tests share."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; the workers inherit it

import pytest
import torch
from hypothesis import settings

from workbench.engine.resources import cores
from workbench.user_modules import import_modules

# A law holds on a loaded machine as on an idle one, and a run of the tests can be repeated; with
# HYPOTHESIS_PROFILE=search other examples are drawn each time.
settings.register_profile("same", deadline=None, derandomize=True)
settings.register_profile("search", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

MOST_PROCESSES = 8  # of tests; each holds PyTorch, and starts workers of its own


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--modules", action="append", default=[], help="with components to hold to the contract"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process a core, of whole folders; none for a few files or tests, so that they start
    at once and can be debugged."""
    few = all("::" in each or each.endswith(".py") for each in config.args)
    chosen = config.option.collectonly or config.option.keyword or few
    return 0 if chosen else min(cores(), MOST_PROCESSES)


def pytest_configure(config: pytest.Config) -> None:
    import_modules(config.getoption("--modules"))


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors gain nothing from more threads, and results stay the same on any machine."""
    torch.set_num_threads(1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a stand-in plan's sweep goes."""
    return tmp_path / "path"
