"""`python -m benchmarks.backbones`, as small as it can be."""

import pytest

from benchmarks.backbones import compared, subjects, text


@pytest.mark.slow
def test_the_benchmark_of_backbones_explains_its_ratios_by_part() -> None:
    pairs = subjects("cmt_ti", "resnet18", 64, 64)
    for name, pair in pairs.items():
        found = compared(pair, rounds=1)
        (ours, theirs), macs = found["seconds"].values(), found["macs"]
        assert found["time_ratio_measured"] == pytest.approx(ours[0] / theirs[0])
        for network, parts in found["parts"].items():
            assert macs[network] == sum(part["macs"] for part in parts.values())
            assert sum(part["seconds"] for part in parts.values()) > 0
        assert "ms/GMAC" in text({name: found})
    assert list(found["parts"]["maps of cmt_ti"])[:2] == ["stem", "stage 0"]
