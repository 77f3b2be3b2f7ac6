"""One small Ray cluster for all tests of this folder; its GPUs are only numbers."""

import os
from collections.abc import Iterator

import pytest

from workbench.engine.choice import QUIET


@pytest.fixture(scope="package")
def cluster() -> Iterator[str]:
    """The address of a cluster that this process is connected to."""
    os.environ.update(QUIET)
    ray = pytest.importorskip("ray")
    context = ray.init(
        address="local", num_cpus=2, num_gpus=2, object_store_memory=80 << 20,
        include_dashboard=False, log_to_driver=False, logging_level="ERROR",
    )  # fmt: skip
    yield context.address_info["address"]
    ray.shutdown()
