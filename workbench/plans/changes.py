"""What a command line changes of a plan file."""

from dataclasses import dataclass

from workbench.errors import InputError
from workbench.plans.kinds import PlanFile
from workbench.plans.names import check_name
from workbench.plans.training import nearest_of_recipe, of_network, of_recipe, refuse_whole_recipe


@dataclass(frozen=True, slots=True)
class Changes:
    """What a command line asks for on top of a plan file."""

    name: str | None = None
    seeds: tuple[int, ...] | None = None
    settings: tuple[str, ...] = ()  # KEY=VALUE; recipe.KEY is the recipe's, others every row's
    imports: tuple[str, ...] = ()  # modules, beside those that the plan names

    def __post_init__(self) -> None:
        """Refuse a name that is none, and what is the recipe's and does not say so."""
        if self.name is not None:
            check_name(self.name, "--name")
        for text in self.settings:
            refuse_whole_recipe(text, "--set")
            if nearest := nearest_of_recipe(text.partition("=")[0].strip()):
                raise InputError(nearest, key="--set")

    def apply(self, file: PlanFile) -> tuple[PlanFile, tuple[str, ...]]:
        """The plan file with the changes, and the overrides that are for the recipe of all rows."""
        settings = (*file.set, *self.settings)
        update: dict[str, object] = {"set": of_network(settings)}
        if self.name is not None:
            update["name"] = self.name
        if self.seeds is not None:
            update |= {"seeds": self.seeds, "race": None}
        return file.model_copy(update=update), of_recipe(settings)
