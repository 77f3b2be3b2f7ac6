"""Named networks as data: family by family, a dict each."""

from collections.abc import Mapping

from workbench.errors import unknown
from workbench.models.zoo.cmt import CMT
from workbench.models.zoo.deit import DEIT
from workbench.models.zoo.entry import Entry
from workbench.models.zoo.levit import LEVIT, LEVIT_ABLATION
from workbench.models.zoo.small import SMALL
from workbench.models.zoo.volo import VOLO

ZOO: Mapping[str, Entry] = {**CMT, **DEIT, **LEVIT, **LEVIT_ABLATION, **VOLO, **SMALL}


def entry(name: str) -> Entry:
    """The zoo entry under `name`."""
    if name not in ZOO:
        raise unknown("model", name, ZOO)
    return ZOO[name]


__all__ = ["ZOO", "Entry", "entry"]
