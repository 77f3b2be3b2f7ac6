import itertools
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.subset import stratified

LABELS = st.lists(st.integers(0, 5), min_size=1, max_size=60).map(np.array)


@given(LABELS, st.data(), st.integers(0, 2**40))
def test_counts_differ_by_at_most_one_unless_a_class_is_used_up(labels, data, seed):
    size = data.draw(st.integers(1, len(labels)))
    chosen = stratified(labels, size, seed)
    assert len(set(chosen.tolist())) == size
    assert (np.diff(chosen) > 0).all()
    have, want = Counter(labels.tolist()), Counter(labels[chosen].tolist())
    most = max(want.values())
    assert all(want[each] >= most - 1 or want[each] == have[each] for each in have)


@given(LABELS, st.integers(0, 99))
def test_a_smaller_subset_is_part_of_a_larger_one(labels, seed):
    subsets = [set(stratified(labels, size, seed)) for size in range(1, len(labels) + 1)]
    assert all(small < large for small, large in itertools.pairwise(subsets))


def test_the_seed_and_nothing_else_chooses():
    labels = np.arange(300) % 3
    np.random.seed(1)
    first = stratified(labels, 30, 7)
    np.random.seed(2)
    assert (first == stratified(labels, 30, 7)).all()
    assert (first != stratified(labels, 30, 8)).any()


def test_the_draw_is_the_same_for_good():
    """Results carry no copy of their subset, so it may never change."""
    assert stratified(np.arange(20) % 4, 6, 0).tolist() == [2, 7, 10, 13, 15, 16]
