"""Params and MACs in closed form: sums over what the components state, without a tensor."""

from collections.abc import Iterable

from workbench.config import Spec
from workbench.cost.record import Cost, OperatorCost
from workbench.models.layout import Layout, StageLayout, layout
from workbench.models.ops import Op, Size, square

PARAMS = 1  # where they stand among the numbers of an `OperatorCost`
Totals = dict[tuple[str, str, str], list[int]]  # (stage, slot, kind) to numbers


def closed_form(spec: Spec, size: Size | None = None) -> Cost:
    """The cost of `spec` on one image of its resolution, or of another size that it runs on.

    Another size changes what runs, not what is trained: tables are resized there, and count as
    they are stored. Raises `InputError` for a size that the strides do not divide.
    """
    home = layout(spec)
    totals = _totals(home)
    if size is not None and size != square(spec.resolution):
        stored, totals = totals, _totals(home.at(size))
        for key, sums in totals.items():
            sums[PARAMS] = stored[key][PARAMS]
    entries = tuple(OperatorCost(*key, *sums) for key, sums in totals.items() if any(sums))
    return Cost(spec.name, size or square(spec.resolution), entries)


def _totals(plan: Layout) -> Totals:
    totals: Totals = {}
    _add(totals, "stem", "stem", plan.stem.ops())
    for index, stage in enumerate(plan.stages):
        _add_stage(totals, str(index), stage)
    _add(totals, "head", "head", plan.head.ops())
    return totals


def _add_stage(totals: Totals, name: str, stage: StageLayout) -> None:
    _add(totals, name, "downsample", stage.downsample.ops())
    _add(totals, name, "head", stage.token_ops())
    _add(totals, name, "position", stage.position.ops())
    for placed in (stage.lpu, stage.mixer, stage.ffn):
        _add(totals, name, placed.slot, placed.ops(), stage.depth)
    _add(totals, name, "norm", stage.norm_ops(), stage.depth)


def _add(totals: Totals, stage: str, slot: str, ops: Iterable[Op], times: int = 1) -> None:
    for kind, macs, params, elements, scores in ops:
        sums = totals.get((stage, slot, kind))
        if sums is None:
            totals[stage, slot, kind] = sums = [0, 0, 0, 0]
        sums[0] += macs * times
        sums[1] += params * times
        sums[2] += elements * times
        sums[3] += scores * times
