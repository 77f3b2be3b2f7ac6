"""Settings that all rooms' tests share."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch is imported; the workers inherit it

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> None:
    """Small tensors gain nothing from more threads, and results stay the same on any machine."""
    torch.set_num_threads(1)
