"""`workbench slots`, and `SLOT=?` wherever a network is named."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import complete
from workbench.cli.app import Format, Imports, Json, print_table
from workbench.errors import unknown
from workbench.show.formats import Form
from workbench.show.table import Cell, Column, Printout, Table, cell

if TYPE_CHECKING:
    from workbench.models.slots import Choice

QUESTION = "?"

COLUMNS = (
    Column("slot", ("slot",), "name", files_only=True),
    Column("component", ("component",), "name"),
    Column("what it is", ("about",), "text"),
    Column("options", ("options",), "text"),
    Column("can't work with", ("refused_with", "stages_fault"), "text", rank=1),
    Column("source", ("source",), "text", rank=2),
)
NOTE = (
    "What can't work together is tried in a network of one stage, with every option at its "
    "default; sizes can refuse more, and say so."
)


def add_to(app: typer.Typer) -> None:
    """The commands of this group."""
    app.command(
        short_help="What a network can be built from.",
        epilog="Example: workbench slots mixer",
    )(slots)


def slots(
    slot: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SLOT", help="One or more; default: all.", autocompletion=complete.slot_names
        ),
    ] = None,
    imports: Imports = None,
    as_json: Json = False,
    form: Format = Form.TEXT,
) -> None:
    """The slots of a network: what can stand in each, its options, and what can't work together."""
    from workbench.user_modules import import_modules

    import_modules(imports or ())
    print_slots(slot or complete.slots(), as_json, form)


def print_slots(names: Iterable[str], as_json: bool, form: Form) -> None:
    """The choices of some slots. Raises `InputError` for a slot that does not exist."""
    from workbench.models.slots import choice_data

    chosen = list(dict.fromkeys(names))
    print_table(slots_printout(chosen), [choice_data(name) for name in chosen], as_json, form)


def asked(overrides: Iterable[str]) -> list[str]:
    """The slots that overrides such as `lpu=?` or `mixer.k=?` ask about.

    Raises `InputError` for a question about what is no slot.
    """
    pairs = (text.partition("=") for text in overrides)
    found = [key.strip().partition(".")[0] for key, _, value in pairs if value.strip() == QUESTION]
    for slot in found:
        if slot not in complete.slots():
            raise unknown("slot", slot, complete.slots())
    return found


def slots_printout(names: Iterable[str]) -> Printout:
    """A table for each slot."""
    from workbench.models.registry import STAGE_SLOTS
    from workbench.models.slots import ABOUT, slot_choices

    tables = []
    for name in names:
        rows = [_row(name, choice) for choice in slot_choices(name)]
        where = "chosen for each stage" if name in STAGE_SLOTS else "chosen once for the network"
        tables.append(Table(f"{name}: {ABOUT[name]}; {where}", COLUMNS, rows))
    return Printout(tuple(tables), (NOTE,))


def _row(slot: str, choice: "Choice") -> tuple[Cell, ...]:
    options = [f"{each.name} = {_yaml(each.default)} ({each.type})" for each in choice.options]
    return (
        cell(slot),
        cell(choice.name),
        cell(choice.about),
        cell("\n".join(options), "; ".join(options)),
        _refusals(choice),
        cell(choice.source),
    )


def _yaml(value: object) -> str:
    return json.dumps(value) if isinstance(value, bool | None) else str(value)


def _refusals(choice: "Choice") -> Cell:
    """The components by slot, a line each; then what a second stage is refused for."""
    by_slot: dict[str, list[str]] = {}
    for each in choice.refused_with:
        slot, _, name = each.partition("=")
        by_slot.setdefault(slot, []).append(name)
    lines = [f"{slot} = {', '.join(names)}" for slot, names in by_slot.items()]
    if choice.stages_fault:
        lines.append(f"two stages: {choice.stages_fault}")
    return cell("\n".join(lines), "; ".join(choice.refused_with), choice.stages_fault)
