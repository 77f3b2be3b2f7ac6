"""What a person sees of a sweep."""

from io import StringIO

import pytest
from rich.console import Console

from tests.support.sweeps import plan
from workbench.config import EpochRecord, Outcome, Progress, Result, RunConfig
from workbench.engine import Ended, Event, Requeued, Started
from workbench.runs.progress import BarDisplay, LogDisplay, State, display, duration

RUNS = plan().runs()


def at(run: RunConfig, epoch: int, seconds: float | None = None) -> Progress:
    """In the middle of an epoch or, with the seconds that it took, at its end."""
    record = None
    if seconds is not None:
        record = EpochRecord(epoch=epoch, train_loss=0.25, top1=87.5, lr=0.1, seconds=seconds)
    return Progress(
        run=run.id, epoch=epoch, epochs=3, step=1, steps=5, loss=1.5, record=record
    )  # fmt: skip


def ended(run: RunConfig, outcome: Outcome = Outcome.COMPLETED) -> Ended:
    return Ended(Result(run=run.id, outcome=outcome, reason="why", top1=91.0, seconds=61))


def shown(events: list[Event], terminal: bool, width: int = 120) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=terminal, no_color=True)
    with display(console, RUNS, 0, 6, jobs=1) as screen:
        assert isinstance(screen, BarDisplay if terminal else LogDisplay)
        for event in events:
            screen.event(event)
            if isinstance(screen, BarDisplay):
                screen._bar.refresh()
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_terminal_has_a_bar_with_the_current_run_below_it() -> None:
    first = RUNS[0]
    text = shown([Started(first.id, 1), at(first, 0, 2.0), at(first, 1), ended(first)], True)
    assert "0/6" in text
    assert "small, seed 0: starting" in text
    assert "small, seed 0: epoch 2/3 loss 1.500 top-1 87.5 %" in text  # of the epoch before
    assert "34 s left" in text  # 2 epochs and 5 runs of 3, 2 s each
    assert "[1/6] small, seed 0: completed top-1 91.00 % in 1 min 01 s" in text
    assert "1/6" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_line_for_the_sweep_and_one_for_each_run_whatever_the_width(width: int) -> None:
    """What gives way is the middle: the name's end. Nothing breaks onto a second line."""
    names = (f"{run.variant} and {'x' * 200}" for run in RUNS)
    long = [run.model_copy(update={"variant": name}) for run, name in zip(RUNS, names, strict=True)]
    console = Console(file=StringIO(), width=width, force_terminal=True, no_color=True)
    screen = BarDisplay(console, State(tuple(long[:2]), done=0, total=6, jobs=2))
    for event in (Started(long[0].id, 1), at(long[0], 0, 2.0), Started(long[1].id, 1)):
        screen.event(event)
    bar, first, second = _drawn(screen, width)
    assert "0/6" in bar
    assert " left" in bar
    assert first.startswith("  small and")
    assert first.endswith("…, seed 0: epoch 1/3 loss 0.250 top-1 87.5 %")
    assert second.startswith("  large and x")
    assert second.endswith("…, seed 0: starting")


def _drawn(screen: BarDisplay, width: int) -> list[str]:
    """The lines of the screen as it stands."""
    file = StringIO()
    console = Console(file=file, width=width, no_color=True)
    for each in screen._bar.get_renderables():
        console.print(each)
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return [line.rstrip() for line in lines]


def test_log_says_what_happened_to_each_run() -> None:
    first, second, *_ = RUNS
    text = shown(
        [
            Started(first.id, 1),
            Requeued(first.id, "the worker process died of SIGKILL"),
            Started(first.id, 2),
            ended(first, Outcome.DIVERGED),
            Started(second.id, 1),
            ended(second, Outcome.INTERRUPTED),
        ],
        terminal=False,
    )
    assert text.splitlines() == [
        "[0/6] small, seed 0: starts",
        "[0/6] small, seed 0: the worker process died of SIGKILL; "
        "it goes on from its last checkpoint",
        "[0/6] small, seed 0: starts, attempt 2",
        "[1/6] small, seed 0: diverged: why",
        "[1/6] large, seed 0: starts",
        "[1/6] large, seed 0: interrupted: why",
    ]


def test_log_has_an_epoch_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 6.0, 7.0])
    monkeypatch.setattr("workbench.runs.progress.time.monotonic", lambda: next(clock))
    epochs: list[Event] = [at(RUNS[0], epoch, 2.0) for epoch in range(3)]
    (line,) = shown([Started(RUNS[0].id, 1), *epochs], False).splitlines()[1:]
    assert line == "small, seed 0: epoch 2/3 loss 0.250 top-1 87.5 %; 32 s left"


def test_time_left_is_each_variants_own_and_shared_by_the_workers() -> None:
    state = State(RUNS, done=0, total=6, jobs=2)
    assert state.seconds_left() is None
    small, large, lpu = RUNS[:3]
    state.event(at(small, 0, 1.0))
    state.event(at(large, 0, 3.0))
    # small: 2 + 3 epochs of 1 s; large: 2 + 3 of 3 s; the unseen one: 6 of the mean, 2 s
    assert state.seconds_left() == pytest.approx((5 * 1 + 5 * 3 + 6 * 2) / 2)
    for run in RUNS:
        state.event(ended(run))
    assert state.seconds_left() == 0
    assert state.done == 6
    assert lpu.variant == "+ LPU"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "?"),
        (0.4, "0 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (3660, "1 h 01 min"),
        (200_000, "2 d 07 h"),
    ],
)
def test_duration(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
