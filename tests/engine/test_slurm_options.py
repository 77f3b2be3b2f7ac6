"""`--slurm`: what sbatch would refuse is refused before anything is in a queue."""

import pytest

from tests.support.checks import refused
from workbench.engine.slurm.options import grace_seconds, slurm_options


def test_options_are_read_in_their_order_from_one_text_or_several() -> None:
    given = ["partition=gpu,time=4:00:00", "nodelist=a,b[1-3],exclusive,mem=16G", "gres=gpu:1"]
    assert list(slurm_options(given).items()) == [
        ("partition", "gpu"), ("time", "4:00:00"), ("nodelist", "a,b[1-3]"), ("exclusive", ""),
        ("mem", "16G"), ("gres", "gpu:1"),
    ]  # fmt: skip
    assert slurm_options([]) == {}


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("partitoin=gpu", "nearest: 'partition'"),
        ("time=four hours", "'four hours' is no time, such as 4:00:00"),
        ("time=1-1-1", "is no time"),
        (f"time={'9' * 5000}", "is no time"),
        ("time=\u0663", "is no time"),
        ("array=1-3", "set by the workbench itself"),
        ("partition=", "'partition' has no value"),
        ("partition", "'partition' has no value"),
        ("partition=a,partition=b", "stands there twice"),
        ("comment=$(reboot)", "refused"),
        ("comment=a\nb", "refused"),
        ("", "unknown"),
    ],
)
def test_what_is_no_option_is_refused(text: str, part: str) -> None:
    refused(lambda: slurm_options([text]), "--slurm: ", part)


@pytest.mark.parametrize("time", ["90", "4:00", "4:00:00", "2-12", "2-12:30:00", "UNLIMITED"])
def test_times_as_sbatch_reads_them(time: str) -> None:
    assert slurm_options([f"time={time}"]) == {"time": time}


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        (None, 120), ("UNLIMITED", 120), ("4:00:00", 120), ("1-0", 120), ("8", 120), ("8:00", 120),
        ("4", 60), ("0:40", 10), ("0:02:00", 30), ("0-0:01", 15), ("0", 1),
    ],
)  # fmt: skip
def test_a_short_job_is_told_of_its_end_by_a_quarter_of_it(time: str | None, seconds: int) -> None:
    assert grace_seconds({"time": time} if time else {}) == seconds
