"""The rows of a plan, each with its network, its cost and its training; none of them twice."""

from collections.abc import Sequence
from functools import partial

from workbench.config import LARGEST, Count, NetworkSpec, Peer, Recipe
from workbench.errors import InputError
from workbench.plans.acting import training
from workbench.plans.kinds import PlannedRow
from workbench.plans.matching import Match, Matched, Matcher
from workbench.plans.tasks import cost_of, network_of
from workbench.plans.training import Recipes, nearest_of_recipe, of_network, of_recipe


class Variant(PlannedRow):
    """A row with its network and what that costs."""

    spec: NetworkSpec
    params: Count
    macs: Count
    matched: Matched | None = None
    recipe: Recipe | None = None  # its own; None: the plan's
    untuned: str | None = None  # why no value of training could be chosen for it

    @property
    def infeasible(self) -> str | None:
        """Why it can't be run, if so."""
        if self.untuned:
            return self.untuned
        return self.matched.text if self.matched and not self.matched.met else None


Trained = tuple[str, int, str]  # fingerprint and MACs of a network, and digest of its training


class Rows:
    """Makes the rows of a plan, and refuses one that is another's in network and training."""

    def __init__(
        self, classes: int, match: Match | None, known: Sequence[Matched], recipes: Recipes
    ) -> None:
        self._classes = classes
        self._match = match
        self._known = known
        self._recipes = recipes
        self._matcher: Matcher | None = None  # once the first row is there
        self._written: dict[Trained, str] = {}
        self._trained: dict[Trained, str] = {}

    def all(self, choices: Sequence[PlannedRow]) -> tuple[Variant, ...]:
        """The rows in their order."""
        kept: dict[str, Variant] = {}
        for choice in choices:
            spec = self._spec(choice)
            recipe = self._recipes.of(choice)
            same = kept.get(choice.compared_to or "")
            if choice.optional and same and (same.spec.identity, same.recipe) == (
                spec.identity, recipe,
            ):  # fmt: skip
                continue
            kept[choice.name] = self._row(choice, spec, recipe)
        if not kept:
            raise InputError("there is no variant; a plan needs at least one", key="rows")
        return tuple(kept.values())

    def _row(self, choice: PlannedRow, spec: NetworkSpec, recipe: Recipe | None) -> Variant:
        params, macs = self._refuse_same(choice, spec, recipe, self._written)
        matched = self._matcher.adjust(spec, partial(self._spec, choice)) if self._matcher else None
        if self._match and self._matcher is None:
            self._matcher = Matcher(self._match, spec, self._known)
        adjusted = matched.adjusted if matched and matched.met else ()
        if adjusted:
            spec = self._spec(choice, *adjusted)
        if self._match:
            params, macs = self._refuse_same(choice, spec, recipe, self._trained)
        if max(params, macs) > LARGEST:
            raise InputError(
                f"its cost can't be counted: more than {LARGEST} MACs", row=choice.name
            )
        parts = [
            choice.changed,
            self._implied(choice, spec),
            matched.text if matched and matched.met else "",
        ]
        return Variant(
            name=choice.name,
            changed="; ".join(part for part in parts if part),
            compared_to=choice.compared_to,
            also=choice.also,
            base=choice.base,
            overrides=(*choice.overrides, *adjusted),
            spec=spec,
            params=params,
            macs=macs,
            published=choice.published,
            present=choice.present,
            matched=matched,
            recipe=recipe,
            of=choice.of,
            at=choice.at,
        )

    def _spec(self, choice: PlannedRow, *more: str) -> NetworkSpec:
        from workbench.models.networks import spec as make_spec

        try:
            overrides = (*of_network(choice.overrides), *more)
            return make_spec(choice.base, *overrides, classes=self._classes)
        except InputError as error:
            key = "base" if error.key == "model" else error.key  # as a plan names it
            nearest = nearest_of_recipe(key) if error.about == "key" else None
            raise error.but(key=key, row=choice.name, reason=nearest or error.reason) from None

    def _implied(self, choice: PlannedRow, spec: NetworkSpec) -> str:
        """What a new mixer brings along: a bias that it can't take is gone."""
        from workbench.models import spec as make_spec

        slots = {text.partition("=")[0].partition(".")[0] for text in of_network(choice.overrides)}
        if isinstance(spec, Peer) or "mixer" not in slots or "position" in slots:
            return ""
        before, names = (
            [stage.position.name for stage in each.stages]
            for each in (make_spec(choice.base), spec)
        )
        if "none" not in names or "none" in before:
            return ""
        return f"so that position=[{', '.join(names)}]"

    def _refuse_same(
        self, choice: PlannedRow, spec: NetworkSpec, recipe: Recipe | None, rows: dict[Trained, str]
    ) -> tuple[int, int]:
        """Params and MACs of a row that is no other's of `rows`."""
        whole = recipe or self._recipes.plan
        try:
            params, macs = cost_of(spec, whole)
        except InputError as error:  # a network without maps for a detector
            raise error.but(row=choice.name) from None
        trained = (network_of(spec, whole), macs, training(whole))
        if trained in rows:
            alike = ", trained alike" if of_recipe(choice.overrides) else ""
            raise InputError(
                f"its network is the same as that of {rows[trained]!r}{alike}, so that "
                f"{choice.changed or 'nothing'!r} changes nothing",
                row=choice.name,
            )
        rows[trained] = choice.name
        return params, macs
