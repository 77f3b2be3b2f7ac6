"""What `workbench slots` says of every registered component; a new one needs no new test."""

import pytest

from workbench.errors import InputError
from workbench.models import SLOTS, spec
from workbench.models.components.base import Options
from workbench.models.components.lpu import NoLpu
from workbench.models.components.position import Position
from workbench.models.registry import options_of
from workbench.models.slots import ABOUT, ONE_STAGE, Choice, slot_choices
from workbench.models.spec import resolve

EVERY = {(slot, choice.name): choice for slot in SLOTS for choice in slot_choices(slot)}
UNSOURCED = {"none"}  # nothing needs no source


def test_every_slot_and_component_is_there_in_the_registry_s_order() -> None:
    assert set(ABOUT) == set(SLOTS)
    for slot, components in SLOTS.items():
        assert [choice.name for choice in slot_choices(slot)] == list(components)


@pytest.mark.parametrize(("slot", "name"), EVERY)
def test_options_are_those_of_the_component_with_type_and_default(slot: str, name: str) -> None:
    fields = options_of(slot, name).model_fields
    found = {option.name: option.default for option in EVERY[slot, name].options}
    assert found == {key: field.default for key, field in fields.items()}
    assert all(option.type and "typing." not in option.type for option in EVERY[slot, name].options)


@pytest.mark.parametrize(("slot", "name"), EVERY)
def test_a_component_says_what_it_is_and_where_it_is_from(slot: str, name: str) -> None:
    choice = EVERY[slot, name]
    assert choice.about
    assert choice.source or name in UNSOURCED, f"{slot}={name} has no Source: in its docstring"
    assert "the paper" not in choice.source.replace("the paper of", "")


def test_what_can_t_work_together_is_said_by_both() -> None:
    for (slot, name), choice in EVERY.items():
        for pair in choice.refused_with:
            other, _, theirs = pair.partition("=")
            assert f"{slot}={name}" in EVERY[other, theirs].refused_with


def test_biases_are_refused_with_exactly_the_mixers_that_take_none() -> None:
    none_taken = {f"mixer={name}" for name, each in SLOTS["mixer"].items() if not each.takes_bias}  # type: ignore[attr-defined]
    for name, component in SLOTS["position"].items():
        assert issubclass(component, Position)
        refused = {each for each in EVERY["position", name].refused_with if "mixer=" in each}
        assert refused == (none_taken if component.biases else set())


def test_what_is_refused_here_is_refused_by_a_real_network_too() -> None:
    for text in EVERY["head", "class_token"].refused_with:
        with pytest.raises(InputError):
            spec("deit_s", text.replace("downsample=attention", "downsample=[attention]"))


def test_each_component_can_stand_by_itself_so_that_its_refusals_are_known() -> None:
    for slot, name in EVERY:
        value: object = [name] if slot == "downsample" else name
        resolve({**ONE_STAGE, slot: value}, "")


def test_a_component_of_one_s_own_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(NoLpu):
        """Mine."""

        Options = Options

    monkeypatch.setitem(SLOTS["lpu"], "own", Own)
    assert slot_choices("lpu")[-1] == Choice("own", "Mine.", "", (), (), None)


def test_another_slot_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="nearest: 'mixer'"):
        slot_choices("mixr")
