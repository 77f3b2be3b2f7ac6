"""The answer of a plan, in a few sentences made from its verdicts: what a reader wants first."""

from collections.abc import Iterable, Sequence

from workbench.report.findings import Findings, RowResult, Shares
from workbench.report.verdicts import further_seeds, mean_text
from workbench.runs.progress import duration
from workbench.show.console import plural
from workbench.show.table import signed
from workbench.statistics.attribution import Attribution, Estimate
from workbench.statistics.comparison import LEVEL, Comparison, Verdict, holm
from workbench.statistics.effects import Effects

NAMED = 6  # rows of one verdict at most; the rest are counted
NOUNS = {"additive": "step", "leave_one_out": "component"}
EARN = ("earns its cost", "earn their cost")
WORDS = {
    Verdict.HELPS: ("helps", "help"),
    Verdict.HURTS: ("hurts", "hurt"),
    Verdict.EQUIVALENT: ("is equivalent", "are equivalent"),
    Verdict.UNDECIDED: ("is undecided", "are undecided"),
    Verdict.NONE: ("has no verdict", "have no verdict"),
}
OF_KIND = {
    "additive": {Verdict.HELPS: EARN, Verdict.HURTS: ("lowers top-1", "lower top-1")},
    "leave_one_out": {
        Verdict.HURTS: EARN,
        Verdict.HELPS: ("is better left out", "are better left out"),
    },
}


def answer(found: Findings) -> str:
    """The answer; empty where nothing is compared, or nothing measured yet."""
    if not found.runs:
        return ""
    texts = _of_shares(found.shares) if found.shares else _of_rows(found)
    return " ".join(text for text in texts if text)


# ---------------------------------------------------------------- rows compared to others


def _of_rows(found: Findings) -> tuple[str, ...]:
    compared = [each for each in found.results if each.comparison is not None]
    if not compared:
        return ()
    count = plural(len(compared), NOUNS.get(found.facts.kind, "row"))
    head = f"Of {count}, " if len(compared) > 1 else ""
    text = head + "; ".join(_groups(found, compared)) + "."
    planned = len(found.facts.seeds) * len(found.rows)
    early = bool(found.wanted) if found.facts.race else len(found.runs) < planned
    text = f"So far: {text[:1].lower()}{text[1:]}" if early and head else text
    return (f"So far: {text}" if early and not head else text), _to_decide(found, compared)


def _groups(found: Findings, compared: Sequence[RowResult]) -> Iterable[str]:
    facts = found.facts
    for verdict, plain in WORDS.items():
        rows = [each for each in compared if each.comparison and each.comparison.verdict is verdict]
        if not rows:
            continue
        words = OF_KIND.get(facts.kind, {}).get(verdict, plain)[len(rows) > 1]
        sized = verdict in (Verdict.HELPS, Verdict.HURTS)
        names = _listed([_name(facts.kind, each, sized) for each in rows])
        yield f"{names} {words}{_more(found, verdict, rows)}"


def _more(found: Findings, verdict: Verdict, rows: Sequence[RowResult]) -> str:
    """What belongs to the verdict: the margin, the seeds, the reason."""
    compared = [each.comparison for each in rows if each.comparison]
    if verdict is Verdict.EQUIVALENT:
        return f" to within {found.facts.method.equivalent:g} points"
    if verdict is Verdict.UNDECIDED:
        counts = sorted({len(each.seeds) for each in compared})
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f" with {seeds} seeds"
    reasons = {each.reason for each in compared}
    return f" ({reasons.pop()})" if verdict is Verdict.NONE and len(reasons) == 1 else ""


def _name(kind: str, result: RowResult, sized: bool = False) -> str:
    """`+ head = CMT` of a path is the step `head`, `without LPU` of the whole is `LPU`."""
    name = result.row.name
    if kind == "additive":
        name = name.removeprefix("+ ").split(" = ")[0]
    elif kind == "leave_one_out":
        name = name.removeprefix("without ")
    mean = result.comparison.mean if result.comparison and sized else None
    return name if mean is None else f"{name} ({signed(mean)})"


def _listed(names: Sequence[str]) -> str:
    shown = [*names] if len(names) <= NAMED else [*names[: NAMED - 1]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} others")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _to_decide(found: Findings, compared: Sequence[RowResult]) -> str:
    """What the undecided row that needs the fewest further seeds would take."""
    if found.facts.race is not None:
        names = _listed([_name(found.facts.kind, each) for each in _racing(found)])
        return f"The race goes on for {names}." if names else ""
    undecided = [
        (more, each)
        for each in compared
        if each.comparison and (more := further_seeds(each.comparison)) is not None
    ]
    if not undecided:
        return ""
    more, row = min(undecided, key=lambda item: item[0])
    assert row.comparison is not None
    size = f"{signed(row.comparison.mean or 0.0)} points"
    time = _time(found, row.comparison, more)
    return (
        f"Deciding {_name(found.facts.kind, row)}, if its difference is as observed ({size}), "
        f"would take {plural(more, 'more seed')}{time}."
    )


def _racing(found: Findings) -> list[RowResult]:
    wanted = {each.variant for each in found.wanted}
    return [each for each in found.results if each.comparison and each.row.name in wanted]


def _time(found: Findings, compared: Comparison, seeds: int) -> str:
    """`, about 35 min 00 s of one worker`: of the row and of the one that it is compared to."""
    total = 0.0
    for name in (compared.variant, compared.compared_to):
        took = [
            run.seconds
            for run in found.runs
            if run.variant == name and run.seconds and run.measured is not None
        ]
        if not took:
            return ""
        total += seeds * sum(took) / len(took)
    return f" of it and of {compared.compared_to}, about {duration(total)} of one worker"


# ---------------------------------------------------------------- shares and interactions


def _of_shares(found: Shares) -> tuple[str, ...]:
    seeds = len(found.seeds)
    if isinstance(found, Effects):
        return (_told("effect", [(each.label, each.size) for each in found.effects], seeds),)
    pairs = [(f"{one} with {other}", size) for one, other, size in found.pairs]
    if isinstance(found, Attribution):
        names, values = found.components, found.shapley
        whole = mean_text(found.whole.mean, found.whole.interval)
        first = f"All components together are worth {whole} points of top-1."
        shares = _told("share", _named(names, values), seeds)
        return first, shares, _told("interaction", pairs, seeds)
    alone = _named(found.components, found.alone)
    return _told("component", alone, seeds), _told("interaction", pairs, seeds)


def _named(names: Sequence[str], sizes: Sequence[Estimate]) -> list[tuple[str, Estimate]]:
    return [*zip(names, sizes, strict=True)]


def _told(noun: str, sizes: Sequence[tuple[str, Estimate]], seeds: int) -> str:
    """Which are real, by tests adjusted over all of this kind, the largest first."""
    if not sizes:
        return ""
    if all(size.p is None for _, size in sizes):
        return f"{plural(len(sizes), noun)}: no verdict, since the spread over seeds is unknown."
    adjusted = holm([1.0 if size.p is None else size.p for _, size in sizes])
    real = [each for each, p in zip(sizes, adjusted, strict=True) if p <= LEVEL]
    real.sort(key=lambda item: -abs(item[1].mean))
    rest = [name for name, _ in sizes if name not in {name for name, _ in real}]
    parts = []
    if real:
        names = _listed([f"{name} ({signed(size.mean)})" for name, size in real])
        parts.append(f"{names} {'are' if len(real) > 1 else 'is'} real")
    if rest:
        verb = WORDS[Verdict.UNDECIDED][len(rest) > 1]
        parts.append(f"{_listed(rest)} {verb} with {plural(seeds, 'seed')}")
    return f"Of {plural(len(sizes), noun)}, {'; '.join(parts)}."
