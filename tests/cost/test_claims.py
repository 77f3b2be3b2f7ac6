"""The claims: what we count of each, and what a reading says."""

import math
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from tests.cost.paper import cmt_block_macs, reduction_macs, standard_block_macs
from workbench.cost.claims import CLAIMS, Claim, Counted, Printed, Reading
from workbench.cost.printouts import claims_printout
from workbench.cost.speed import Speed, measure_speed
from workbench.cost.verdict import Judge, Judgement, claims_json
from workbench.models import ZOO
from workbench.show.terminal import view

BY_KEY = {claim.key: claim for claim in CLAIMS}


def _uses_timm(claim: Claim) -> bool:
    ends = [end for r in claim.readings for end in (r.left, r.right)]
    return any(isinstance(end, Counted) and end.name.startswith("timm:") for end in ends)


def _judge(key: str) -> tuple[Judgement, ...]:
    return Judge().judge([BY_KEY[key]])


@pytest.fixture(scope="module")
def ours() -> tuple[Judgement, ...]:
    """The verdicts on the claims that need neither timm nor time."""
    return Judge().judge([claim for claim in CLAIMS if not _uses_timm(claim)])


def test_every_claim_has_source_rule_and_readings() -> None:
    assert len(BY_KEY) == len(CLAIMS)
    for claim in CLAIMS:
        assert claim.source
        assert claim.rule
        assert claim.readings


def test_every_network_of_ours_is_in_the_zoo() -> None:
    for claim in CLAIMS:
        for reading in claim.readings:
            for end in (reading.left, reading.right):
                if not isinstance(end, Printed) and not end.name.startswith("timm:"):
                    assert end.name in ZOO


def test_fourteen_times_means_deit_b_at_384() -> None:
    found = _judge("cmt_deit_14x")
    assert [verdict.holds for verdict in found] == [True, False, False]
    assert found[0].value == pytest.approx(13.762, abs=1e-3)


@pytest.mark.slow
def test_twice_means_efficientnet_b5() -> None:
    assert [verdict.holds for verdict in _judge("cmt_efficientnet_2x")] == [False, True]


def test_the_block_is_cheaper_where_k_is_above_one() -> None:
    found = _judge("cmt_block_cheaper")
    assert [verdict.holds for verdict in found] == [True, True, True, False]
    for verdict, (n, d, k) in zip(
        found, [(3136, 64, 8), (784, 128, 4), (196, 256, 2), (49, 512, 1)], strict=True
    ):
        assert verdict.left == standard_block_macs(n, d)
        assert verdict.right == cmt_block_macs(n, d, k) + reduction_macs(n, d, k)


def test_the_advantage_grows_with_resolution() -> None:
    assert all(verdict.holds for verdict in _judge("cmt_block_resolution"))


def test_the_exponent_of_the_width_is_measured() -> None:
    found = _judge("cmt_scaling_width")
    assert found[0].value is not None
    assert found[0].left is not None
    assert found[0].right is not None
    assert found[0].value == pytest.approx(math.log2(found[0].left / found[0].right))
    assert not any(verdict.holds for verdict in found)


def test_speed_is_empty_until_it_is_asked_for() -> None:
    found = _judge("levit_efficientnet_5x")
    assert [(v.left, v.value, v.holds) for v in found] == [(None, None, None)] * 2


@pytest.mark.slow
def test_speed_is_measured_by_request_and_once_per_network() -> None:
    network = Counted("cmt_digits")
    reading = Reading("itself", network, network, "speed")
    claim = Claim("same", "as fast as itself", "this test", "exactly 1", 0.999, 1.001, (reading,))
    judge = Judge(speed=True, seconds=0.0)
    (verdict,) = judge.judge([claim])
    assert verdict.value == 1.0
    assert verdict.holds is True
    assert judge.speeds is not None
    assert len(judge.speeds) == 1


@pytest.mark.slow
def test_speed_is_that_of_the_memory_format_that_the_reading_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    formats: list[torch.memory_format] = []

    def watched(model: nn.Module, *rest: Any, **named: Any) -> Speed:
        formats.append(named["memory_format"])
        return measure_speed(model, *rest, **named)

    monkeypatch.setattr("workbench.cost.verdict.measure_speed", watched)
    plain = Counted("cmt_digits", contiguous=True)
    reading = Reading("a format over the other", Counted("cmt_digits"), plain, "speed")
    judge = Judge(speed=True, seconds=0.0)
    judge.judge([Claim("formats", "", "this test", "any", 0.0, None, (reading,))])
    assert formats == [torch.channels_last, torch.contiguous_format]


def test_json_and_table_show_every_reading(ours: tuple[Judgement, ...]) -> None:
    data = claims_json(ours)
    assert [row["reading"] for row in data["claims"]] == [v.reading.text for v in ours]
    console = Console(width=160)
    with console.capture() as capture:
        console.print(view(claims_printout(ours)))
    assert capture.get().count("yes") == sum(verdict.holds is True for verdict in ours)
