"""Classes, images, agreement and confidence from right and wrong, image by image."""

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from workbench.statistics.images import (
    Answers,
    class_changes,
    compare_images,
    confidence,
    expected_by_chance,
    half_widths,
    kappas,
)

LABELS = np.repeat(np.arange(4), 25)


def answers(variant: str, correct: np.ndarray, classes: int = 4) -> Answers:
    loss = np.where(correct, 0.1, 3.0).astype(np.float16)
    return Answers(variant, tuple(range(len(correct))), correct, loss, classes)


def drawn(seed: int, seeds: int, share: float) -> np.ndarray:
    return np.random.default_rng(seed).random((seeds, len(LABELS))) < share


def plans(
    random: np.random.Generator, count: int, seeds: int, classes: int, change: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Changes (count, classes, seeds), known parts and sizes, of rows as real ones are: images of
    every difficulty, classes that single runs favour or neglect, some three times as much as
    others. The first class is better by `change`."""
    size = 60
    easy = random.beta(1.2, 0.4, (classes, size)) * 0.98 + 0.01
    easy[0] = np.clip(easy[0], 0.0, 0.98 - change)
    spread = 0.5 * np.exp(random.uniform(-0.55, 0.55, (classes, 1)))
    logit = np.log(easy / (1 - easy))
    drawn = []
    for gain in (change, 0.0):
        moved = logit[None, None] + spread * random.standard_normal((count, seeds, classes, 1))
        share = 1 / (1 + np.exp(-moved))
        share[:, :, 0] = np.clip(share[:, :, 0] + gain, 0, 1)
        drawn.append(random.random(share.shape) < share)
    row, other = drawn
    changes = (row.mean(-1) - other.mean(-1)).swapaxes(1, 2)
    known = (row.var(1, ddof=1) + other.var(1, ddof=1)).sum(-1) / size**2
    return changes, known, np.full(classes, size)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [3, 10])
@pytest.mark.parametrize("seeds", [2, 3, 5, 8])
def test_equal_rows_have_a_changed_class_in_one_plan_of_twenty_at_most(
    seeds: int, classes: int
) -> None:
    random = np.random.default_rng([seeds, classes])
    false, count = 0, 0
    for _ in range(10):
        changes, known, sizes = plans(random, 100, seeds, classes)
        far = np.abs(changes.mean(-1)) > half_widths(changes, known, sizes)
        false, count = false + int(far.any(-1).sum()), count + len(far)
    assert false / count <= 0.05 + 1.64 * np.sqrt(0.05 * 0.95 / count)


@pytest.mark.slow
def test_three_seeds_find_a_class_that_changed_more_often_than_its_own_spread_does() -> None:
    random = np.random.default_rng(0)
    changes, known, sizes = plans(random, 400, 3, 10, change=0.25)
    mean = changes[:, 0].mean(-1)
    found = np.abs(mean) > half_widths(changes, known, sizes)[:, 0]
    own = changes[:, 0].std(-1, ddof=1) / np.sqrt(3) * stats.t.ppf(1 - 0.05 / 20, 2)
    assert found.mean() > 2 * (np.abs(mean) > own).mean()


def test_a_class_that_changed_is_told_from_those_that_did_not() -> None:
    row, other = drawn(0, 4, 0.8), drawn(1, 4, 0.8)
    row[:, LABELS == 2], other[:, LABELS == 2] = True, False
    found = class_changes(row, other, LABELS)
    assert [each.verdict for each in found] == ["undecided", "undecided", "gained", "undecided"]
    assert (found[2].before, found[2].after, found[2].mean) == (0.0, 100.0, 100.0)
    assert [each.verdict for each in class_changes(other, row, LABELS)][2] == "lost"
    assert sum(each.images for each in found) == len(LABELS)


def test_one_seed_tells_of_no_class() -> None:
    found = class_changes(drawn(0, 1, 0.9), drawn(1, 1, 0.2), LABELS)
    assert {each.verdict for each in found} == {"none"}
    assert found[0].interval is None


def test_images_that_most_seeds_gained_or_lost_are_counted_by_hand() -> None:
    row = np.zeros((3, 100), bool)
    other = np.zeros((3, 100), bool)
    row[:, 5], row[:2, 7], row[0, 9] = True, True, True  # three, two and one of the seeds
    other[:, 11] = True
    row[:, 13] = other[:, 13] = True
    found = compare_images(answers("a", row), answers("b", other), LABELS)
    assert found is not None
    assert [(each.image, each.row_alone, each.other_alone) for each in found.gained] == [
        (5, 3, 0), (7, 2, 0),
    ]  # fmt: skip
    assert [(each.image, each.row_alone, each.other_alone) for each in found.lost] == [(11, 0, 3)]
    # Two images are apart in three seeds (a half), one in two (a quarter), one in one (none).
    assert found.by_chance == pytest.approx(0.5 + 0.5 + 0.25)


def test_what_chance_gives_is_what_swapping_the_rows_at_random_gives() -> None:
    random = np.random.default_rng(0)
    row, other = drawn(0, 5, 0.7), drawn(1, 5, 0.6)
    apart = (row != other).sum(0)
    swapped = [
        np.where(random.random(row.shape) < 0.5, row & ~other, other & ~row).sum(0) > 2.5
        for _ in range(2000)
    ]
    assert expected_by_chance(apart, 5) == pytest.approx(np.sum(swapped, 1).mean(), rel=0.03)


def test_kappa_is_that_of_scikit_learn_and_nil_for_runs_that_know_nothing_of_each_other() -> None:
    one, two = drawn(0, 2, 0.8), drawn(1, 3, 0.4)
    truth = [[cohen_kappa_score(x, y) for y in two] for x in one]
    np.testing.assert_allclose(kappas(one, two), truth)
    assert kappas(one, one)[0, 0] == pytest.approx(1)
    random = np.random.default_rng(0).random((2, 200_000)) < 0.9
    assert abs(kappas(random[:1], random[1:])[0, 0]) < 0.01
    assert np.isnan(kappas(np.ones((1, 9), bool), np.ones((1, 9), bool))).all()


def test_agreement_is_of_runs_of_different_seeds() -> None:
    row = drawn(0, 3, 0.7)
    found = compare_images(answers("a", row), answers("b", row), LABELS)  # the same runs
    assert found is not None
    assert found.agreement.rows == pytest.approx(found.agreement.row)
    single = compare_images(answers("a", row[:1]), answers("b", drawn(1, 1, 0.7)), LABELS)
    assert single is not None
    assert single.agreement.rows is not None
    assert single.agreement.row is single.agreement.other is None


def test_the_bounds_of_confidence_hold_the_truth_and_are_tight_for_two_classes() -> None:
    random = np.random.default_rng(0)
    for classes in (2, 5):
        logits = random.standard_normal((1, 3000, classes)) * 2
        p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        labels = random.integers(0, classes, 3000)
        true = p[0, np.arange(3000), labels][None]
        right = p.argmax(-1) == labels
        found = confidence(Answers("a", (0,), right, -np.log(true), classes))
        truth = 100 * p.max(-1).mean()
        assert found.low - 1e-9 <= truth <= found.high + 1e-9
        assert found.accuracy == pytest.approx(100 * right.mean())
        if classes == 2:
            assert found.high - found.low < 1e-9
            assert found.gap == pytest.approx(truth - found.accuracy)


def test_only_seeds_that_both_rows_have_are_compared() -> None:
    one = Answers("a", (0, 1, 4), drawn(0, 3, 0.5), np.ones((3, 100)), 4)
    two = Answers("b", (4, 7), drawn(1, 2, 0.5), np.ones((2, 100)), 4)
    found = compare_images(one, two, LABELS)
    assert found is not None
    assert found.seeds == (4,)
    assert found.mean == pytest.approx(100 * (one.correct[2].mean() - two.correct[0].mean()))
    assert compare_images(one, Answers("b", (7,), two.correct[1:], two.loss[1:], 4), LABELS) is None
