"""What has to be true of a results folder, whatever was done to its sweep."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench.errors import InputError
from workbench.runs.results import load_sweep
from workbench.runs.rows import StoredRun

Numbers = tuple[object, ...]


def numbers(run: StoredRun) -> Numbers:
    """What may not differ from an undisturbed sweep."""
    curve = tuple((each.epoch, each.train_loss, each.top1) for each in run.curve)
    return (str(run.outcome), run.top1, run.test_loss, curve)


class Watch:
    """What is known of one results folder, whose finished runs should have the numbers `right`."""

    def __init__(self, folder: Path, right: Mapping[str, Numbers]) -> None:
        self.folder, self._right = folder, right
        self.finished: set[str] = set()

    def faults(self) -> Iterator[str]:
        """Names of what is not as it should be."""
        try:
            runs = load_sweep(self.folder).runs
        except InputError as error:
            if self.finished or not _empty(str(error)):
                yield f"unreadable: {error}"
            return
        final = {run.id: run for run in runs if run.final}
        yield from (f"lost: {run[:12]}" for run in self.finished - final.keys())
        counted = Counter(run.id for run in runs)
        yield from (f"twice: {run[:12]}" for run, count in counted.items() if count > 1)
        for run in final.values():
            if self._right and numbers(run) != self._right[run.id]:
                yield f"changed: {run.id[:12]}"
        self.finished |= final.keys()


def _empty(text: str) -> bool:
    """Whether a sweep was cut off before it had made its folder."""
    return any(part in text for part in ("does not exist", "holds neither", "holds 0 plans"))
