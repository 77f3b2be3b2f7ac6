"""Params and MACs in closed form: sums over what the components state, without a tensor."""

from collections.abc import Iterable, Iterator

from workbench.config import Spec
from workbench.cost.record import Cost, Entry, collect
from workbench.models.layout import Placed, StageLayout, layout
from workbench.models.ops import Op


def closed_form(spec: Spec) -> Cost:
    """The cost of `spec` on one image of its resolution."""
    plan = layout(spec)
    found = list(_placed("stem", plan.stem))
    for index, stage in enumerate(plan.stages):
        found += _stage(str(index), stage)
    found += _placed("head", plan.head)
    return collect(spec.name, spec.resolution, found)


def _stage(name: str, stage: StageLayout) -> Iterator[Entry]:
    yield from _placed(name, stage.downsample)
    yield from _entries(name, "head", stage.token_ops())
    yield from _placed(name, stage.position)
    for placed in (stage.lpu, stage.mixer, stage.ffn):
        yield from _placed(name, placed, stage.depth)
    yield from _entries(name, "norm", stage.norm_ops(), stage.depth)


def _placed(stage: str, placed: Placed, times: int = 1) -> Iterator[Entry]:
    return _entries(stage, placed.slot, placed.ops(), times)


def _entries(stage: str, slot: str, ops: Iterable[Op], times: int = 1) -> Iterator[Entry]:
    for op in ops:
        yield Entry(stage, slot, op.kind, op.macs * times, op.params * times, op.elements * times)
