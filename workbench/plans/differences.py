"""What changed between a plan and the one that the ledger holds under its name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from workbench.config import Recipe, flatten
from workbench.errors import InputError, some_of
from workbench.plans.resolution import Plan, Variant


@dataclass(frozen=True, slots=True)
class Differences:
    """`added` can be run beside what is there; `changed` would mix two experiments."""

    changed: tuple[str, ...]
    added: tuple[str, ...]


def differences(old: Plan, new: Plan) -> Differences:
    """Between two plans of one name. Words that change no run (question, notes) don't count."""
    before = {variant.name: variant for variant in old.variants}
    after = {variant.name: variant for variant in new.variants}
    changed = [
        *_changes("recipe", _flat_recipe(old.recipe), _flat_recipe(new.recipe)),
        *_changes("import", _code(old), _code(new)),
        *(f"row {name!r} is gone" for name in before if name not in after),
        *(
            line
            for name in before
            if name in after
            for line in _row(old, before[name], new, after[name])
        ),
        *_fewer_seeds(old, new),
        *_changes("tune", _tuned(old), _tuned(new)),
        *_changes("race", _race(old), _race(new)),
        *_changes("verdicts", _method(old), _method(new)),
    ]
    added = [
        *(f"row {name!r} is new" for name in after if name not in before),
        *(f"seed {seed} is new" for seed in new.seeds if seed not in old.seeds),
    ]
    return Differences(tuple(changed), tuple(added))


def refuse_changes(old: Plan, new: Plan, extend: bool, where: str) -> None:
    """Raise `InputError`, showing what changed, unless it is only additions and `extend` is set."""
    found = differences(old, new)
    if not found.changed and (extend or not found.added):
        return
    lines = (*found.changed, *found.added)
    ways = "give it another name, --name NEW, or delete that folder"
    if not found.changed:
        ways = f"run with --extend to add to what is there, or {ways}"
    elif all(line in _fewer_seeds(old, new) for line in lines):
        ways = f"leave --seeds out to go on with all its seeds, or {ways}"
    raise InputError(
        f"plan {new.name!r} is not the one in {where}; {ways}. What differs: {some_of(lines)}"
    )


def _fewer_seeds(old: Plan, new: Plan) -> list[str]:
    return [f"seed {seed} is gone" for seed in old.seeds if seed not in new.seeds]


def _row(planned: Plan, old: Variant, asked: Plan, new: Variant) -> Iterator[str]:
    what = f"row {old.name!r}"
    yield from _changes(what, old.spec.flat(), new.spec.flat())
    trained = (_own_training(planned, old), _own_training(asked, new))
    yield from _changes(f"{what}: recipe", *trained)
    if old.contrasts != new.contrasts:
        was, now = (", ".join(row.contrasts) or "none" for row in (old, new))
        yield f"{what}: compared to {was!r} -> {now!r}"


def _own_training(plan: Plan, row: Variant) -> dict[str, object]:
    """What the recipe of a row has otherwise than that of the plan."""
    planned = _flat_recipe(plan.recipe)
    own = _flat_recipe(plan.recipe_of(row))
    return {key: value for key, value in own.items() if planned.get(key) != value}


def _tuned(plan: Plan) -> dict[str, object]:
    """What was asked for, not what was found."""
    return plan.tuning.model_dump(exclude={"tried"}) if plan.tuning else {}


def _race(plan: Plan) -> dict[str, object]:
    """A race that was looked at with other bounds has another error."""
    return {"seeds": f"{plan.race.least} to {plan.race.most}"} if plan.race else {}


def _method(plan: Plan) -> dict[str, object]:
    """What a verdict means is declared before it is seen."""
    return {
        "metric": ", ".join(plan.metric),
        "variance": plan.method.variance,
        "equivalent": plan.method.equivalent,
        "noise from": plan.earlier and f"{plan.earlier.runs} runs of {plan.earlier.plan}",
    }


def _code(plan: Plan) -> dict[str, object]:
    return {module.name: f"of code {module.sha256[:8]}" for module in plan.imports}


def _flat_recipe(recipe: Recipe) -> dict[str, object]:
    """By key, without what changes no number: where weights are that are known by their digest."""
    idle = {"teacher.keep_logits"}
    idle |= {f"{key}.weights" for key, each in recipe.weights().items() if each.sha256}
    found = flatten(recipe.model_dump(mode="json", exclude={"name"}))
    return {key: value for key, value in found.items() if key not in idle}


def other_recipe(old: Plan, new: Plan) -> list[str]:
    """How the recipe of one plan differs from that of another, a line each."""
    return [*_changes("recipe", _flat_recipe(old.recipe), _flat_recipe(new.recipe))]


def _changes(what: str, old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    return (f"{what}: {each}" for each in changes(old, new))


def changes(old: Mapping[str, object], new: Mapping[str, object]) -> Iterator[str]:
    """What differs, as `key 1 -> 2`."""
    for key in [*old, *(key for key in new if key not in old)]:
        before, after = old.get(key, "nothing"), new.get(key, "nothing")
        if before != after:
            yield f"{key} {before} -> {after}"
