"""The counts that ship are those that the code counts; published figures are never averaged."""

from pathlib import Path

import pytest

from workbench.cost.peers import (
    PEERS,
    CountedPeer,
    count_peers,
    measure_peers,
    read_counts,
    standings,
)
from workbench.errors import InputError

OURS = [name for names in PEERS.values() for name in names if not name.startswith("timm:")]
THEIRS = ["timm:tf_efficientnet_b0", "timm:convit_tiny", "timm:pvt_v2_b1"]


def test_all_peers_ship_with_their_counts() -> None:
    named = [name for names in PEERS.values() for name in names]
    assert [each.network for each in read_counts()] == named


@pytest.mark.slow
@pytest.mark.parametrize("names", [OURS, THEIRS], ids=["closed form", "trace"])
def test_shipped_counts_are_what_is_counted_now(names: list[str]) -> None:
    shipped = {each.network: each for each in read_counts()}
    assert list(count_peers(names)) == [shipped[name] for name in names]


def test_a_standing_is_a_printed_figure_between_the_least_and_the_greatest() -> None:
    found = standings(read_counts())
    assert len(found) == len(read_counts())
    for each in found:
        printed = {float(row.top1) for row in each.rows if row.top1 is not None}
        assert each.top1 in printed
        assert (each.low, each.high) == (min(printed), max(printed))
        assert all(row.source for row in each.rows)


def test_a_network_without_a_published_top1_has_no_standing() -> None:
    assert standings([CountedPeer("cmt_digits", "", 8, 1, 1, "closed form")]) == ()


def test_counts_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"costs: .*none\.csv can't be read"):
        read_counts(tmp_path / "none.csv")


@pytest.mark.slow
def test_throughput_is_of_the_batch_that_was_asked_for() -> None:
    found = measure_peers(["cmt_digits"], batch=2, seconds=0.01)
    assert found["cmt_digits"].batch == 2
    assert found["cmt_digits"].images_per_second > 0
