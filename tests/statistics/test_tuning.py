"""The choice of a value on validation images, and what is said of it."""

import pytest

from workbench.statistics.facts import Row
from workbench.statistics.tuning import (
    Tried,
    Tuning,
    chance_note,
    edge_note,
    order,
    setting_text,
    signs,
)

ROWS = (Row(name="a"), Row(name="b", compared_to="a"))


def tuning(**scores: list[float | None]) -> Tuning:
    """Rows at 0.1, 0.2, 0.4, one seed."""
    rates = (0.1, 0.2, 0.4)
    tried = tuple(
        Tried(row=row, setting=(("optimiser.lr", rate),), scores=(score,))
        for row, found in scores.items()
        for rate, score in zip(rates, found, strict=True)
    )
    return Tuning(space={"optimiser.lr": rates}, trials=3, seeds=(0,), sampler="grid", tried=tried)


def test_the_best_is_the_highest_mean_and_of_equals_the_first() -> None:
    found = tuning(a=[50.0, 60.0, 60.0], b=[None, None, 1.0])
    best, other = found.best("a"), found.best("b")
    assert best is not None
    assert other is not None
    assert (best.text, other.text) == ("lr=0.2", "lr=0.4")
    assert tuning(a=[None, None, None]).best("a") is None


def test_a_setting_of_which_a_seed_was_lost_has_no_score() -> None:
    assert Tried(row="a", setting=(), scores=(50.0, None)).score is None
    assert Tried(row="a", setting=(), scores=(50.0, 60.0)).score == 55.0


def test_a_best_at_an_end_of_what_was_tried_is_at_the_edge() -> None:
    found = tuning(a=[50, 60, 55], b=[50, 55, 60])
    both = edge_note(tuning(a=[60, 50, 55], b=[50, 55, 60]), ROWS)
    assert both.endswith("hold better ones: a; b.")
    assert (found.edges("a"), found.edges("b")) == ((), ("optimiser.lr",))
    assert "The best setting of b is at the edge" in edge_note(found, ROWS)
    assert edge_note(tuning(a=[50, 60, 55], b=[50, 60, 55]), ROWS) == ""


def test_a_best_that_so_few_images_do_not_tell_apart_is_said_to_be_chance() -> None:
    found = tuning(a=[50, 54, 40], b=[50, 70, 40])
    assert chance_note(found, ROWS, None) == ""
    assert chance_note(found, ROWS, 10_000) == ""  # 4 points are six standard errors
    few = chance_note(found, ROWS, 200)  # where they are less than one, and 20 are four
    assert few.startswith("On 200 validation images the best setting of a can't be told")
    assert "of any row can't" in chance_note(found, ROWS, 20)
    assert chance_note(tuning(a=[None, 50, None]), ROWS, 20) == ""  # there was no choice


@pytest.mark.parametrize("values", [("adamw", "sgd", "lion"), (True, False, True)])
def test_words_and_switches_have_no_edge(values: tuple[str | bool, ...]) -> None:
    tried = tuple(
        Tried(row="a", setting=(("optimiser.name", value),), scores=(float(place),))
        for place, value in enumerate(values)
    )
    found = Tuning(
        space={"optimiser.name": values}, trials=3, seeds=(0,), sampler="grid", tried=tried
    )
    assert found.edges("a") == ()


def test_an_order_that_turns_at_a_shared_setting_depends_on_tuning() -> None:
    """At their own bests b (65) is above a (60); at 0.1 it is below."""
    found = order(tuning(a=[58, 60, 50], b=[40, 65, 60]), ROWS)
    assert found.startswith("The order of the rows depends on tuning")
    assert "1 of 1 pairs of rows changes places" in found
    assert found.endswith("these differences of the plan change their sign: b (at lr=0.1).")


def test_rows_that_are_not_compared_to_each_other_are_in_the_order_too() -> None:
    """Both b and c are above a everywhere; c is above b at 0.1 alone."""
    rows = (*ROWS, Row(name="c", compared_to="a"))
    found = order(tuning(a=[10, 20, 10], b=[40, 65, 60], c=[45, 64, 59]), rows)
    assert found.startswith("The order of the rows depends on tuning")
    assert "1 of 3 pairs of rows changes places" in found
    assert found.endswith("; no difference that the plan asks for changes its sign.")


def test_an_order_that_holds_everywhere_does_not() -> None:
    found = order(tuning(a=[38, 60, 50], b=[40, 65, 60]), ROWS)
    assert found.startswith("The order of the rows does not depend on tuning")
    assert "tried at the 3 settings that all rows share" in found
    assert "as observed with one seed" in found


def test_only_settings_with_a_score_of_every_row_are_shared() -> None:
    found = order(tuning(a=[58, 60, None], b=[None, 65, 60]), ROWS)
    assert "tried at the one setting that all rows share" in found
    unknown = order(tuning(a=[58, None, None], b=[None, 65, 60]), ROWS)
    assert unknown.startswith("Whether the order of the rows depends on tuning is not known")
    assert order(tuning(a=[58, 60, 50]), ROWS[:1]) == ""


@pytest.mark.parametrize("lost", [{}, {"c": [None, None, None]}], ids=["not tried", "diverged"])
def test_a_row_that_has_no_score_at_all_hides_the_order_of_no_others(
    lost: dict[str, list[float | None]],
) -> None:
    """One that can't be made as costly as the others is not tried."""
    rows = (*ROWS, Row(name="c", compared_to="a"))
    found = order(tuning(a=[58, 60, 50], b=[40, 65, 60], **lost), rows)
    assert "1 of 1 pairs of rows changes places" in found


def test_settings_read_as_they_are_written() -> None:
    setting = (("optimiser.lr", 1e-05), ("optimiser.name", "sgd"), ("ema_decay", None))
    assert setting_text(setting) == "lr=1e-05, name=sgd, ema_decay=null"


def test_a_sign_that_turns_is_told_with_its_values() -> None:
    effects = [("b", 0.1, 1.0), ("b", 0.2, -0.5), ("c", 0.1, 1.0), ("c", 0.2, 2.0)]
    found = signs("optimiser.lr", effects)
    assert found.startswith("The observed sign depends on lr for b (+1.00 at 0.1, -0.50 at 0.2);")
    assert "c (" not in found
    assert "same at all values" in signs("optimiser.lr", effects[2:])
    assert signs("optimiser.lr", [("b", 0.1, 1.0), ("b", 0.2, None)]) == ""
    part = signs("optimiser.lr", [*effects[2:], ("c", 0.4, None)])
    assert part.endswith("the same at all values of lr that have results of both its rows.")
    assert "b (+1.00 at 0.1, +0.00 at 0.2)" in signs("lr", [("b", 0.1, 1.0), ("b", 0.2, 0.0)])
