"""What `--dry-run` shows, as a table and as JSON."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from workbench.config import MAC
from workbench.plans.resolution import Plan, Variant
from workbench.report.before.foresight import Foresight, budget_answer, detect_answer, sentences
from workbench.runs.estimate import Estimate
from workbench.runs.progress import duration
from workbench.show.console import plural, say_line
from workbench.show.table import Column, Table, cell, number
from workbench.show.terminal import view
from workbench.tuning.stage import trial_count


@contextmanager
def costs_at_once(
    plan: Plan, console: Console, seen: Foresight | None, text: str
) -> Iterator[None]:
    """The costs of the rows, and what they wait for, on a screen until their times are known."""
    if not console.is_terminal:  # what is piped gets one table, the whole
        console.print(text, style="dim")
        yield
        return
    costs = view(_table(plan, Estimate({}, {}, None), seen))
    with Live(
        Group(costs, Text(text, style="dim")), console=console, auto_refresh=False, transient=True
    ):
        yield


def print_preview(
    plan: Plan,
    found: Estimate,
    console: Console,
    engine: str = "local",
    seen: Foresight | None = None,
) -> None:
    """The rows with their costs and times, the time of the whole, and what could be seen."""
    texts = sentences(seen, found) if seen else []
    console.print(view(_table(plan, found, seen)))
    failed = (f"{name}: {reason}" for name, reason in found.failures.items())
    for text in filter(None, (*failed, _tuning_text(plan, found))):
        say_line(console, text)
    phrases = [_runs_text(plan), *_done_text(plan, found)]
    phrases += [_whole_text(found)] if len(found.done) < _asked(plan, found) else []
    console.print("; ".join(phrases), highlight=False, markup=False)
    if found.scaled:
        timed = ", ".join(name for name in found.runs if name not in found.scaled)
        others = "The others (~) are scaled by their MACs; --measure times every row."
        say_line(console, f"Timed: {timed}. {others}")
    if found.note:
        say_line(console, found.note)
    if engine != "local" and found.sweep is not None:
        console.print("That is for the workers of this machine; the cluster was not asked.")
    for text in texts:
        console.print(text, highlight=False, markup=False)
    console.print(f"{MAC}.", highlight=False)


COLUMNS = (
    Column("Variant", ("variant",), "name"),
    Column("What changed", ("changed",), "text", rank=3, under="all"),
    Column("Compared to", ("compared_to",), "text", rank=2),
    Column("Params", ("params",), rank=1),
    Column("MACs", ("macs",)),
    Column("One run", ("run_seconds",)),
)


def _table(plan: Plan, found: Estimate, seen: Foresight | None) -> Table:
    title = f"{plan.name} ({plan.kind})" + (f": {plan.question}" if plan.question else "")
    metrics = [each for each in plan.method.metrics if seen and each.key in seen.noise]
    rows = [
        (
            cell(variant.name),
            cell(variant.changed),
            cell(", ".join(variant.contrasts), variant.compared_to),
            number(variant.params),
            number(variant.macs),
            cell(_run_text(variant, found), found.runs.get(variant.name)),
            *(number(seen.smallest(variant.name, metric), f".{metric.digits}f")
              for metric in metrics if seen),
        )
        for variant in plan.variants
    ]  # fmt: skip
    more = (Column(f"Detectable, {each.name}", (f"{each.key}_detectable",)) for each in metrics)
    return Table(title, (*COLUMNS, *more), rows)


def _run_text(variant: Variant, found: Estimate) -> str:
    if variant.infeasible:
        return "infeasible"
    if variant.name in found.failures:
        return "failed"
    if variant.name not in found.runs:
        return ""
    return "~ " * (variant.name in found.scaled) + duration(found.runs[variant.name])


def _runs_text(plan: Plan) -> str:
    rows, most = len(plan.variants), len(plan.runs())
    if plan.race is None:
        seeds = ", ".join(map(str, plan.seeds))
        return f"{plural(most, 'run')}: {plural(rows, 'variant')} x seeds {seeds}"
    least = len(plan.runs(seeds=plan.first_seeds))
    seeds = f"{plan.race.least} to {plan.race.most} seeds"
    return f"{least} to {most} runs: {plural(rows, 'variant')} x {seeds}"


def _done_text(plan: Plan, found: Estimate) -> tuple[str, ...]:
    """What is left of the runs, where some are done or are those of other shares."""
    asked, texts = _asked(plan, found), []
    if asked < len(plan.runs()):
        texts.append(f"{asked} of them in this share")
    if found.done:
        places = ", ".join(dict.fromkeys(map(str, found.done.values())))
        left = asked - len(found.done)
        texts.append(f"{len(found.done)} done before, in {places}, {left or 'none'} left")
    return tuple(texts)


def _asked(plan: Plan, found: Estimate) -> int:
    return len(plan.runs()) if found.asked is None else found.asked


def _tuning_text(plan: Plan, found: Estimate) -> str:
    """The trials that come first; empty where there are none."""
    tuning, count = plan.tuning, sum(trial_count(plan, row) for row in plan.variants)
    if tuning is None or not count:
        return ""
    about = f", about {duration(found.tuning)}" if found.tuning is not None else ""
    rows = plural(sum(trial_count(plan, row) > 0 for row in plan.variants), "variant")
    seeds = "1 seed" if len(tuning.seeds) == 1 else f"{len(tuning.seeds)} seeds"
    return (
        f"Tuning first: {plural(count, 'run')}: {rows} x {tuning.trials} trials x {seeds}, chosen "
        f"by validation images{about}; then"
    )


def _whole_text(found: Estimate) -> str:
    if not found.runs and not found.failures:
        return "no time without images; name them with --set recipe.data.path=FOLDER"
    if found.sweep is None:
        return "time unknown, since not every row could be timed"
    least = f"{duration(found.least)} to " if found.least is not None else ""
    how = "from steps timed on this machine with whatever else it did"
    return f"about {least}{duration(found.sweep)}, {how}"


def preview_data(plan: Plan, found: Estimate, seen: Foresight | None = None) -> dict[str, object]:
    """The same numbers, unrounded, for `--json`. Times are in seconds."""
    rows = [
        {
            "variant": variant.name,
            "changed": variant.changed,
            "compared_to": variant.compared_to,
            "params": variant.params,
            "macs": variant.macs,
            "run_seconds": found.runs.get(variant.name),
            "timed": variant.name in found.runs and variant.name not in found.scaled,
            "failure": found.failures.get(variant.name),
            "matched": variant.matched.model_dump(exclude={"question"})
            if variant.matched
            else None,
            "detectable": {
                metric.key: seen.smallest(variant.name, metric) if seen else None
                for metric in plan.method.metrics
            },
        }
        for variant in plan.variants
    ]
    runs = [
        {
            "id": run.id,
            "variant": run.variant,
            "seed": run.seed,
            "done_in": str(found.done[run.id]) if run.id in found.done else None,
        }
        for run in plan.runs()
    ]
    return {
        "plan": plan.name, "kind": plan.kind, "question": plan.question, "seeds": plan.seeds,
        "recipe": plan.recipe.model_dump(mode="json"), "rows": rows, "runs": runs,
        "tuning_runs": sum(trial_count(plan, row) for row in plan.variants),
        "tuning_seconds": found.tuning,
        "sweep_seconds": found.sweep,
        "race": asdict(plan.race) if plan.race else None, "least_sweep_seconds": found.least,
        "note": found.note, "noise_sources": dict(seen.sources) if seen else {},
        "detect": detect_answer(seen, found) if seen else None,
        "budget": budget_answer(seen, found) if seen else None,
    }  # fmt: skip
