"""What `--dry-run` shows, as a table and as JSON."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workbench.ablation.estimate import Estimate
from workbench.ablation.plan import Plan
from workbench.ablation.progress import duration


def print_preview(plan: Plan, found: Estimate, console: Console) -> None:
    """The rows with their costs and times, and the time of the whole."""
    seeds = ", ".join(map(str, plan.seeds))
    title = f"{plan.name} ({plan.kind})" + (f": {plan.question}" if plan.question else "")
    console.print(title, markup=False, highlight=False)
    table = Table("variant", "what changed", "compared to", box=None)
    for title in ("params", "MACs", "one run"):
        table.add_column(title, justify="right", no_wrap=True)
    for variant in plan.variants:
        table.add_row(
            Text(variant.name),  # as it is: "[" would begin a style
            Text(variant.changed),
            Text(variant.compared_to or ""),
            f"{variant.params:,}",
            f"{variant.macs:,}",
            duration(found.runs[variant.name]) if variant.name in found.runs else "failed",
        )
    console.print(table)
    for name, reason in found.failures.items():
        console.print(f"{name}: {reason}", markup=False, highlight=False, soft_wrap=True)
    runs = f"{len(plan.runs())} runs: {len(plan.variants)} variants x seeds {seeds}"
    whole = f"about {duration(found.sweep)}" if found.sweep is not None else "time unknown"
    console.print(f"{runs}; {whole}, from steps timed on this machine", highlight=False)
    console.print(
        "1 MAC is one multiply-add of convolutions, linear layers and attention products."
    )


def preview_data(plan: Plan, found: Estimate) -> dict[str, Any]:
    """The same numbers, unrounded, for `--json`. Times are in seconds."""
    rows = [
        {
            "variant": variant.name,
            "changed": variant.changed,
            "compared_to": variant.compared_to,
            "params": variant.params,
            "macs": variant.macs,
            "run_seconds": found.runs.get(variant.name),
            "failure": found.failures.get(variant.name),
        }
        for variant in plan.variants
    ]
    runs = [{"id": run.id, "variant": run.variant, "seed": run.seed} for run in plan.runs()]
    return {
        "plan": plan.name, "kind": plan.kind, "question": plan.question, "seeds": plan.seeds,
        "recipe": plan.recipe.model_dump(mode="json"), "rows": rows, "runs": runs,
        "sweep_seconds": found.sweep,
    }  # fmt: skip
