"""What is said before and after runs are trained: what is done, what goes on, what is left."""

from collections.abc import Sequence

from rich.console import Console

from workbench.show.console import plural


def resume_note(done: int, total: int, cut_off: int) -> str:
    """At the begin of a sweep that goes on."""
    text = f"{done} of {total} runs are done; the others go on"
    if not cut_off:
        return f"{text}."
    runs = "1 run was" if cut_off == 1 else f"{cut_off} runs were"
    return f"{text}. {runs} cut off when a sweep was killed, and continue from the last checkpoint."


def say_nothing_to_train(console: Console, notes: Sequence[str], done: int) -> None:
    """Where every run is done already."""
    for text in notes:
        console.print(text, highlight=False, markup=False, soft_wrap=True)
    counted = {0: "No run is to be", 1: "The run is"}.get(done, f"All {done} runs are")
    console.print(f"{counted} done; nothing to train.", highlight=False)


def say_stopped(console: Console, done: int, total: int, command: str) -> None:
    """After Ctrl-C; `command` goes on, and is empty if unknown."""
    text = (
        f"Stopped with {total - done} of {plural(total, 'run')} to go. To go on, give the same "
        f"command again{f': {command}' if command else ''}"
    )
    console.print(text, highlight=False, markup=False, soft_wrap=True)
