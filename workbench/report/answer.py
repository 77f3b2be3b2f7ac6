"""The answer of a plan, in a few sentences made from its verdicts: what a reader wants first."""

from collections.abc import Iterable, Sequence

from workbench.report.findings import Findings, Shares
from workbench.report.verdicts import further_seeds, mean_text
from workbench.runs.progress import duration
from workbench.runs.rows import mean_seconds
from workbench.show.console import plural
from workbench.statistics.attribution import Attribution, EffectSize, real
from workbench.statistics.comparison import Comparison, Verdict
from workbench.statistics.effects import Effects
from workbench.statistics.metric import Metric
from workbench.statistics.power import MOST_SEEDS
from workbench.statistics.tuning import chance_note, edge_note, order, signs

NAMED = 6  # rows of one verdict at most; the rest are counted
NOUNS = {"additive": "step", "leave_one_out": "component"}
EARN = ("earns its cost", "earn their cost")
WORDS = {
    Verdict.HELPS: ("is better", "are better"),
    Verdict.HURTS: ("is worse", "are worse"),
    Verdict.EQUIVALENT: ("is equivalent", "are equivalent"),
    Verdict.UNDECIDED: ("is undecided", "are undecided"),
    Verdict.NONE: ("has no verdict", "have no verdict"),
}
OF_KIND = {
    "additive": {Verdict.HELPS: EARN, Verdict.HURTS: ("{makes} {metric}", "{make} {metric}")},
    "leave_one_out": {
        Verdict.HURTS: EARN,
        Verdict.HELPS: ("is better left out", "are better left out"),
    },
}


def answer(found: Findings) -> str:
    """The answer; empty where nothing is compared, or nothing measured yet."""
    if not found.runs:
        return ""
    texts = _of_shares(found, found.shares) if found.shares else _of_rows(found)
    return " ".join(text for text in (*texts, *_of_training(found)) if text)


def _of_training(found: Findings) -> tuple[str, ...]:
    """Whether the order of rows depends on how they are trained, in plans that ask for it."""
    facts = found.facts
    if facts.tuning is not None and facts.tuning.tried:
        return (
            order(facts.tuning, found.rows),
            edge_note(facts.tuning, found.rows),
            chance_note(facts.tuning, found.rows, facts.validation_images),
        )
    effects = [
        (name, each.row.at, each.comparison.mean)
        for name, results in found.at_values.items()
        for each in results
        if each.comparison is not None
    ]
    return (signs(facts.robust, effects),) if facts.robust else ()


# ---------------------------------------------------------------- rows compared to others


def _of_rows(found: Findings) -> tuple[str, ...]:
    compared = [each.declared for each in found.contrasts if each.declared]
    if not compared:
        return ()
    planned = len(found.facts.seeds) * len(found.rows)
    early = bool(found.wanted) if found.facts.race else len(found.runs) < planned
    texts = [_in_metric(found, [each[place] for each in compared], early and not place)
             for place in range(len(compared[0]))]  # fmt: skip
    return (*texts, _by_either(found, compared), _to_decide(found, found.comparisons))


def _in_metric(found: Findings, compared: Sequence[Comparison], early: bool) -> str:
    """The rows under their verdicts in one metric, which is named where there are several."""
    several = found.facts.method.several
    heads = [
        "so far" * early + ": " * early,
        f"on {compared[0].metric.name}, " * several,
        f"of {_counted(found, len(compared))}, " * (len(compared) > 1),
    ]
    groups, head = "; ".join(_groups(found, compared)), "".join(heads)
    return f"{head[:1].upper()}{head[1:]}{groups}."


def _counted(found: Findings, rows: int) -> str:
    return plural(rows, "comparison" if found.several else NOUNS.get(_component_kind(found), "row"))


def _component_kind(found: Findings) -> str:
    """The kind of a plan whose rows are components that come or go; empty for all others."""
    kind = found.facts.kind
    return kind if kind in OF_KIND and found.other_networks else ""


def _by_either(found: Findings, compared: Sequence[Sequence[Comparison]]) -> str:
    """How many rows have a verdict in some metric, where there are several."""
    if len(compared[0]) < 2:
        return ""
    decided = sum(any(each.decided for each in declared) for declared in compared)
    rows = _counted(found, len(compared))
    return f"Of {rows}, {decided} {'is' if decided == 1 else 'are'} decided by one or the other."


def _groups(found: Findings, compared: Sequence[Comparison]) -> Iterable[str]:
    kind, metric = _component_kind(found), compared[0].metric
    makes, make = ("lowers", "lower") if metric.higher else ("raises", "raise")
    begun = {each.row.name for each in found.results if each.summary.runs}
    for verdict, plain in WORDS.items():
        rows = [each for each in compared if each.verdict is verdict and each.variant in begun]
        if not rows:
            continue
        words = OF_KIND.get(kind, {}).get(verdict, plain)[len(rows) > 1]
        words = words.format(makes=makes, make=make, metric=metric.name)
        names = _listed([_name(found, each, each.decided) for each in rows])
        yield f"{names} {words}{_more(found, verdict, rows)}"
    if waiting := [_short(kind, each) for each in compared if each.variant not in begun]:
        yield f"{_listed(waiting)} {'have' if len(waiting) > 1 else 'has'} no runs yet"


def _more(found: Findings, verdict: Verdict, rows: Sequence[Comparison]) -> str:
    """What belongs to the verdict: what it is against, the margin, the seeds, the reason."""
    if verdict in (Verdict.HELPS, Verdict.HURTS):
        to = {each.compared_to for each in found.comparisons}
        alike = not _component_kind(found) and len(to) == 1
        return f" than {_quoted(to.pop())}" if alike else ""
    if verdict is Verdict.EQUIVALENT:
        return f" to within {found.facts.method.equivalent:g} {rows[0].metric.points}"
    if verdict is Verdict.UNDECIDED:
        counts = sorted({len(each.seeds) for each in rows})
        seeds = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f" with {seeds} seeds"
    reasons = {each.reason for each in rows}
    return f" ({reasons.pop()})" if verdict is Verdict.NONE and len(reasons) == 1 else ""


def _name(every: Findings, found: Comparison, sized: bool = False) -> str:
    """A row, with its difference if `sized`, and with the one it is compared to where that is not
    clear from the plan."""
    kind = _component_kind(every)
    several = any(row.also for row in every.rows if row.name == found.variant)
    apart = not kind and len({row.compared_to for row in every.rows if row.compared_to}) > 1
    size = "" if found.mean is None or not sized else found.metric.signed(found.mean)
    to = f"against {_quoted(found.compared_to)}" if several or apart else ""
    more = " ".join(filter(None, (size, to)))
    name = _quoted(found.variant) if several else _short(kind, found)
    return f"{name} ({more})" if more else name


def _short(kind: str, found: Comparison) -> str:
    """`+ head = CMT` of a path is the step `head`, `without LPU` of the whole is `LPU`."""
    name = found.variant
    if kind == "additive":
        name = name.removeprefix("+ ").split(" = ")[0]
    elif kind == "leave_one_out":
        name = name.removeprefix("without ")
    return _quoted(name)


def _quoted(name: str) -> str:
    """In quotes where it would be read as two names."""
    return f'"{name}"' if any(part in name for part in (",", ";", " and ")) else name


def _listed(names: Sequence[str]) -> str:
    shown = [*names] if len(names) <= NAMED else [*names[: NAMED - 1]]
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} others")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def _to_decide(found: Findings, compared: Sequence[Comparison]) -> str:
    """What the undecided row that needs the fewest further seeds would take."""
    if found.facts.race is not None:
        wanted = {each.variant for each in found.wanted}
        racing = {each.variant: each for each in compared if each.variant in wanted}
        names = _listed([_short(_component_kind(found), each) for each in racing.values()])
        return f"The race goes on for {names}." if names else ""
    undecided = [(more, each) for each in compared if (more := further_seeds(each)) is not None]
    if not undecided:
        return _out_of_reach(found, [each for each in compared if each.mean is not None])
    more, row = min(undecided, key=lambda item: item[0])
    metric = row.metric
    size = f"{metric.signed(row.mean or 0.0)} {metric.points}"
    where = f" of {metric.name}" if found.facts.method.several else ""
    return (
        f"Deciding {_short(_component_kind(found), row)}, if its difference is as observed ({size}"
        f"{where}), would take {plural(more, 'more seed')}{_time(found, row, more)}."
    )


def _out_of_reach(found: Findings, compared: Sequence[Comparison]) -> str:
    """Where no number of seeds that was tried decides a row that is undecided."""
    rows = [each for each in compared if each.verdict is Verdict.UNDECIDED]
    if not rows:
        return ""
    names = _listed([_name(found, each) for each in rows])
    sizes = "its difference is" if len(rows) == 1 else "their differences are"
    return f"Deciding {names}, if {sizes} as observed, would take over {MOST_SEEDS:,} seeds."


def _time(found: Findings, compared: Comparison, seeds: int) -> str:
    """`, about 35 min 00 s of one worker`: of the row and of the one that it is compared to."""
    took = _seconds(found, (compared.variant, compared.compared_to))
    if took is None:
        return ""
    other = _quoted(compared.compared_to)
    return f" of it and of {other}, about {duration(seeds * took)} of one worker"


def _seconds(found: Findings, names: Iterable[str]) -> float | None:
    """Of a run of each of these rows, together; None where one was not timed."""
    took = mean_seconds(found.runs)
    known = [took.get(name) for name in names]
    return None if None in known else sum(each or 0.0 for each in known)


# ---------------------------------------------------------------- shares and interactions


def _of_shares(every: Findings, found: Shares) -> tuple[str, ...]:
    seeds = len(found.seeds)
    metric = found.metric
    if isinstance(found, Effects):
        sizes = [(each.label, each.size) for each in found.effects]
        return _told("effect", sizes, seeds, metric), _share_to_decide(every, "effect", sizes)
    pairs = [(f"{one} with {other}", size) for one, other, size in found.pairs]
    interactions = _told("interaction", pairs, seeds, metric)
    if isinstance(found, Attribution):
        named = _named(found.components, found.shapley)
        whole = mean_text(found.whole.mean, found.whole.interval, metric)
        first = f"All components together are worth {whole} {metric.points} of {metric.name}."
        shares = _told("share", named, seeds, metric)
        return first, shares, interactions, _share_to_decide(every, "share", named)
    alone = _named(found.components, found.alone)
    decide = _share_to_decide(every, "component", alone)
    return _told("component", alone, seeds, metric), interactions, decide


def _share_to_decide(every: Findings, noun: str, sizes: Sequence[tuple[str, EffectSize]]) -> str:
    """What the undecided one that needs the fewest further seeds would take, of every row."""
    if not every.shares or all(size.p is None for _, size in sizes):
        return ""
    told, have = real([size for _, size in sizes]), len(every.shares.seeds)
    needed = [
        (seeds, name, size)
        for (name, size), yes in zip(sizes, told, strict=True)
        if not yes and (seeds := size.takes(len(sizes))) is not None
    ]
    if not needed:
        return ""
    seeds, name, size = min(needed, key=lambda each: each[0])
    more, took = max(seeds - have, 1), _seconds(every, (row.name for row in every.rows))
    metric = every.shares.metric
    observed = f"{metric.signed(size.mean)} {metric.points}"
    time = "" if took is None else f", about {duration(more * took)} of one worker"
    return (
        f"Deciding the {noun} of {name}, if it is as observed ({observed}), would take "
        f"{plural(more, 'more seed')} of every row{time}."
    )


def _named(names: Sequence[str], sizes: Sequence[EffectSize]) -> list[tuple[str, EffectSize]]:
    return [*zip(names, sizes, strict=True)]


def _told(noun: str, sizes: Sequence[tuple[str, EffectSize]], seeds: int, metric: Metric) -> str:
    """Which are real, by tests adjusted over all of this kind, the largest first."""
    if not sizes:
        return ""
    if all(size.p is None for _, size in sizes):
        return f"{plural(len(sizes), noun)}: no verdict, since the spread over seeds is unknown."
    told = real([size for _, size in sizes])
    clear = [each for each, yes in zip(sizes, told, strict=True) if yes]
    clear.sort(key=lambda item: -abs(item[1].mean))
    rest = [name for (name, _), yes in zip(sizes, told, strict=True) if not yes]
    parts = []
    if clear:
        names = _listed([f"{name} ({metric.signed(size.mean)})" for name, size in clear])
        parts.append(f"{names} {'are' if len(clear) > 1 else 'is'} real")
    if rest:
        verb = WORDS[Verdict.UNDECIDED][len(rest) > 1]
        parts.append(f"{_listed(rest)} {verb} with {plural(seeds, 'seed')}")
    return f"Of {plural(len(sizes), noun)}, {'; '.join(parts)}."
