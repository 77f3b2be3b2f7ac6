"""A study as the ledger knows it: a plan that gets a row for each network, once it is asked for."""

from workbench.plans.resolution import Plan, Variant
from workbench.study.file import KIND
from workbench.study.space import Candidate, Study


def with_row(plan: Plan | None, study: Study, variant: Variant) -> Plan:
    """The plan with one more row."""
    if plan is not None:
        return plan.model_copy(update={"variants": (*plan.variants, variant)})
    return Plan(
        name=study.file.name,
        question=" ".join(study.file.question.split()),
        kind=KIND,
        seeds=study.file.seeds,
        recipe=study.recipe,
        variants=(variant,),
    )


def row(study: Study, candidate: Candidate, label: str) -> Variant:
    """A network as a row. Its name is its sizes, so that any study of this base calls it that."""
    assert candidate.scaled is not None
    return Variant(
        name=label,
        changed=", ".join(candidate.scaled.overrides),
        compared_to=None,
        base=study.file.base,
        overrides=(*study.file.set, *candidate.scaled.overrides),
        spec=candidate.scaled.spec,
        params=candidate.scaled.cost.params,
        macs=candidate.scaled.cost.macs,
    )
