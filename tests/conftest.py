"""Settings that all rooms' tests share."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; the workers inherit it

import pytest
import torch

from workbench.user_modules import import_modules


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--modules", action="append", default=[], help="with components to hold to the contract"
    )


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
