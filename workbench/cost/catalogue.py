"""The zoo as a table: what we count beside what was published, with the difference."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from workbench.cost.closed import closed_form
from workbench.cost.record import CONVENTION, Cost
from workbench.cost.target import network_cost
from workbench.errors import unknown
from workbench.models import ZOO, spec
from workbench.models.peers import is_timm
from workbench.models.zoo import entry
from workbench.published import QUANTITIES, Figure, Quantity, contradict, figures, rows_of


@dataclass(frozen=True)
class ModelRow:
    """One network: our count, and every published figure for it."""

    name: str
    family: str
    cost: Cost
    published: dict[Quantity, tuple[Figure, ...]]
    note: str

    def counted(self, quantity: Quantity) -> Decimal | None:
        """What we count, in the unit of the published figures; accuracy is not a count."""
        if quantity == "params_m":
            return Decimal(self.cost.params).scaleb(-6)
        return Decimal(self.cost.macs).scaleb(-9) if quantity == "gmacs" else None

    @property
    def contradictions(self) -> tuple[Quantity, ...]:
        """The quantities whose sources can't all be right."""
        return tuple(name for name, found in self.published.items() if contradict(found))

    def to_json(self) -> dict[str, object]:
        """Plain data with every number unrounded."""
        return {
            "name": self.name,
            "family": self.family,
            "resolution": self.cost.resolution,
            "params": self.cost.params,
            "macs": self.cost.macs,
            "activations": self.cost.activations,
            "published": {
                name: [figure.to_json(self.counted(name)) for figure in found]
                for name, found in self.published.items()
            },
            "contradictions": list(self.contradictions),
            "note": self.note,
        }


def model_rows(family: str | None = None, extra: Sequence[str] = ()) -> tuple[ModelRow, ...]:
    """The zoo, or one family of it, by the closed form; then `extra` names such as `timm:NAME`.

    Families stand in the order of the zoo, the networks of each by their parameters.

    Raises `InputError` for a family or name that does not exist.
    """
    families = {found.family for found in ZOO.values()}
    if family is not None and family not in families:
        raise unknown("family", family, families)
    names = [name for name, found in ZOO.items() if family in (None, found.family)]
    ours = [_row(name, ZOO[name].family, closed_form(spec(name)), ZOO[name].note) for name in names]
    order = list(dict.fromkeys(found.family for found in ZOO.values()))
    ours.sort(key=lambda row: (order.index(row.family), row.cost.params))
    return (*ours, *(_row(name, _family(name), network_cost(name), "") for name in extra))


def _family(name: str) -> str:
    return "timm" if is_timm(name) else entry(name).family


def _row(name: str, family: str, cost: Cost, note: str) -> ModelRow:
    rows = rows_of(name, cost.resolution)
    return ModelRow(name, family, cost, {q: figures(rows, q) for q in QUANTITIES}, note)


def models_json(rows: Iterable[ModelRow]) -> dict[str, object]:
    """What `workbench models --json` prints."""
    return {"convention": CONVENTION, "models": [row.to_json() for row in rows]}
