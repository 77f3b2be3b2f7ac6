"""A network is timed against the authors' code: what is compared, and what is refused."""

import copy
import json
from pathlib import Path

import pytest

from benchmarks.official import THEIRS, compared, evaluation_shares, twins
from workbench.cost.turns import Seconds, in_turns
from workbench.errors import InputError
from workbench.models import build, spec


def test_all_take_turns_in_both_orders() -> None:
    said: list[str] = []
    found = in_turns({name: lambda name=name: said.append(name) for name in "ab"}, 2)
    assert "".join(said) == "abbaab"
    assert len(found["a"].wall) == len(found["b"].cpu) == 2


def test_a_ratio_is_the_median_of_those_of_the_rounds() -> None:
    slow, fast = Seconds([2.0, 40.0, 3.0], [4.0, 4.0, 4.0]), Seconds([1.0, 10.0, 1.0], [1.0] * 3)
    assert fast.faster(slow) == (3.0, 4.0)


def test_every_network_has_a_line_in_both_precisions() -> None:
    network = build(spec("cmt_digits"))
    lines = list(compared((network, copy.deepcopy(network)), 1, 2, 1, compiled=False))
    names = {(line.what, line.network, line.precision) for line in lines}
    assert len(names) == len(lines) == 10
    same = [line for line in lines if (line.network, line.precision) == (THEIRS, "fp32")]
    assert [line.ratio for line in same] == [1.0, 1.0]


@pytest.mark.parametrize("text", [None, "x = 1"])
def test_a_file_that_is_not_theirs_is_one_line(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "cmt.py"
    if text:
        file.write_text(text)
    with pytest.raises(InputError, match=r"cmt\.py .*ggjy/CMT\.pytorch"):
        twins(file)


def test_the_share_of_evaluation_is_that_of_the_records(tmp_path: Path) -> None:
    shares = (0.1, 0.3, 0.2)
    runs = [json.dumps({"details": {"evaluation_share": share}}) for share in shares]
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "runs.jsonl").write_text("\n".join([*runs, '{"details": {}}']))
    assert evaluation_shares(tmp_path) == {"plan": (0.2, 0.3)}
