"""CMT-S against the authors' own code, and how fast a CMT for 32 pixels trains.

    python -m benchmarks.official --official cmt.py [--threads 1 2] [--rounds 9] [--json]
    python -m benchmarks.official                  without the authors' code: the last two parts

`--official` is the file cmt.py of github.com/ggjy/CMT.pytorch, which does not ship with this
project. Both networks get the same weights, and their logits are compared before anything is timed.
Forward in eval mode, and training step (forward, loss, backward; no optimiser, which is the same
for both), in 32 bits and under bf16 autocast, as built, fused and compiled. All calls take turns,
so that a change of the machine's speed meets all; a ratio is the median of those of the rounds, by
the clock and by the time of the process. On a machine that is not idle believe only the latter, on
one thread.

The other two parts: images per second and core of the CMT for 32 pixels, trained by as many workers
of one thread as there are cores; and the share of their time that measured runs spent on
evaluation, as their records have it.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.sweep_overhead import bare_loop, random_batches
from workbench.config import Recipe
from workbench.cost.turns import Call, Seconds, in_turns
from workbench.engine.resources import cores
from workbench.errors import InputError
from workbench.models import Network, build, fuse, load_weights, spec

MODEL, SMALL = "cmt_s", "cmt_cifar"
SMALL_BATCH, SMALL_STEPS = 128, 2
THEIRS = "the authors'"
MEASURED = Path(__file__).parents[1] / "results" / "measured"
PRECISIONS = ("fp32", "bf16")
# Issue 14: how many times faster than the authors' code in 32 bits each is to be.
TO_REACH = {
    ("forward", "fp32", "as built"): 1.1,
    ("forward", "fp32", "fused and compiled"): 1.5,
    ("forward", "bf16", "fused"): 2.2,
    ("training step", "fp32", "as built"): 1.15,
    ("training step", "bf16", "as built"): 1.5,
}
SMALL_TO_REACH, SHARE_TO_REACH = 330.0, 0.10


@dataclass(frozen=True, slots=True)
class Line:
    """One network in one precision: how many times faster than the authors' code it is."""

    what: str
    precision: str
    network: str
    threads: int
    seconds: float  # median of the clock
    ratio: float  # to theirs in 32 bits
    ratio_process: float
    ratio_alike: float  # to theirs in the same precision
    to_reach: float | None


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--official", type=Path, metavar="FILE", help="the authors' cmt.py")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, cores()}))
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--no-compile", action="store_true", help="saves minutes")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    lines: list[Line] = []
    try:
        if given.official:
            pair = twins(given.official, given.device)
            for threads in given.threads:
                lines += compared(pair, threads, given.batch, given.rounds, not given.no_compile)
    except InputError as error:
        sys.exit(f"{error}")
    small, shares = images_per_core(given.rounds), evaluation_shares()
    if given.json:
        found = {"lines": [asdict(line) for line in lines], "small": small, "shares": shares}
        print(json.dumps({"torch": torch.__version__, "batch": given.batch, **found}, indent=2))
        return
    print("\n".join((*_table(lines, given.batch), *_small_text(small), *_shares_text(shares))))


# ---------------------------------------------------------------- against the authors


def twins(file: Path, device: str = "cpu", side: int = 224) -> tuple[Network, nn.Module]:
    """Our CMT-S and the authors', of the same weights.

    Raises `InputError` for a file that is not theirs, and where their logits differ.
    """
    theirs = _read(file).to(device)
    ours = build(spec(MODEL, "drop_path=0.0", resolution=side)).to(device)
    load_weights(ours, theirs.state_dict())
    images = torch.randn(2, 3, side, side, device=device)
    with torch.inference_mode():
        gap = (ours.eval()(images) - theirs.eval()(images)).abs().max()
        if gap > 1e-3 * theirs(images).abs().max():
            raise InputError(f"{file}: its logits differ from ours by {gap:.2g}", key="--official")
    return ours, theirs


def _read(file: Path) -> nn.Module:
    """The authors' network, from their file; it registers itself with timm by its module's name."""
    found = spec_from_file_location("authors_cmt", file)
    if found is None or found.loader is None or not file.is_file():
        raise InputError(f"{file} is no Python file; see ggjy/CMT.pytorch", key="--official")
    module = module_from_spec(found)
    sys.modules[found.name] = module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of timm's, about names that moved
        found.loader.exec_module(module)
    network = getattr(module, MODEL, None)
    if network is None:
        raise InputError(f"{file} has no {MODEL}; see ggjy/CMT.pytorch cmt.py", key="--official")
    made: nn.Module = network()
    return made


def compared(
    pair: tuple[Network, nn.Module], threads: int, batch: int, rounds: int, compiled: bool = True
) -> Iterator[Line]:
    """Every line of the table on so many threads."""
    torch.set_num_threads(threads)
    ours, theirs = pair
    device = next(ours.parameters()).device
    side = ours.spec.resolution
    images = torch.randn(batch, 3, side, side, device=device)
    labels = torch.arange(batch, device=device)
    forward = {"as built": ours, "fused": fuse(ours)} | {THEIRS: theirs}
    training: dict[str, nn.Module] = {"as built": ours} | {THEIRS: theirs}
    if compiled:
        forward["fused and compiled"] = _compiled(fuse(ours))
        training["compiled"] = _compiled(ours)
        forward[f"{THEIRS}, compiled"] = training[f"{THEIRS}, compiled"] = _compiled(theirs)
    calls = {
        (name, precision): _forward(network, images, precision)
        for name, network in forward.items()
        for precision in PRECISIONS
    }
    yield from _lines("forward", calls, threads, rounds)
    calls = {
        (name, precision): _step(network, images, labels, precision)
        for name, network in training.items()
        for precision in PRECISIONS
    }
    yield from _lines("training step", calls, threads, rounds)


def _compiled(network: nn.Module) -> nn.Module:
    made: nn.Module = torch.compile(network)  # type: ignore[assignment]
    return made


def _lines(
    what: str, calls: Mapping[tuple[str, str], Call], threads: int, rounds: int
) -> Iterator[Line]:
    keys = {" ".join(key): key for key in calls}
    found = in_turns({name: calls[key] for name, key in keys.items()}, rounds, warm_up=2)
    seconds: dict[tuple[str, str], Seconds] = {key: found[name] for name, key in keys.items()}
    for (name, precision), each in seconds.items():
        ratio, process = each.faster(seconds[THEIRS, "fp32"])
        alike, _ = each.faster(seconds[THEIRS, precision])
        goal = TO_REACH.get((what, precision, name))
        yield Line(what, precision, name, threads, each.median, ratio, process, alike, goal)


def _forward(network: nn.Module, images: Tensor, precision: str) -> Call:
    def once() -> None:
        network.eval()
        with torch.inference_mode(), _autocast(images, precision):
            network(images)
        _wait(images)

    return once


def _step(network: nn.Module, images: Tensor, labels: Tensor, precision: str) -> Call:
    def once() -> None:
        network.train()
        network.zero_grad(set_to_none=True)
        with _autocast(images, precision):
            loss = F.cross_entropy(network(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        _wait(images)

    return once


def _autocast(images: Tensor, precision: str) -> torch.autocast:
    return torch.autocast(images.device.type, torch.bfloat16, enabled=precision == "bf16")


def _wait(images: Tensor) -> None:
    if images.device.type == "cuda":
        torch.cuda.synchronize(images.device)


def _table(lines: Sequence[Line], batch: int) -> Iterator[str]:
    if not lines:
        yield "The authors' code is not here: give its place, --official FILE."
        return
    yield f"{MODEL}, batch {batch}, torch {torch.__version__}; ratios are to the authors' code"
    yield (
        f"{'':52}{'to theirs in 32 bits':>22} {'in its own':>11} {'':>9}\n"
        f"{'what':14} {'':5} {'network':24} {'threads':>7} {'clock':>10} {'process':>11}"
        f" {'precision':>11} {'to reach':>9}"
    )
    for each in lines:
        goal = "" if each.to_reach is None else f"{each.to_reach:.2f}"
        yield (
            f"{each.what:14} {each.precision:5} {each.network:24} {each.threads:7}"
            f" {each.ratio:10.2f} {each.ratio_process:11.2f} {each.ratio_alike:11.2f} {goal:>9}"
        )


# ---------------------------------------------------------------- a small network


def images_per_core(rounds: int, workers: int | None = None) -> list[float]:
    """Images per second at which each worker of one thread trains, all at the same time."""
    count = workers or cores()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=spawn) as pool:
        return list(pool.map(_small_pace, [rounds] * count))


def _small_pace(rounds: int) -> float:
    torch.set_num_threads(1)
    network = spec(SMALL)
    train = bare_loop(network, Recipe(batch_size=SMALL_BATCH))
    batches = random_batches(network, SMALL_BATCH, SMALL_STEPS)
    found = in_turns({SMALL: lambda: train(batches)}, rounds)[SMALL]
    return SMALL_BATCH * SMALL_STEPS / found.median


def _small_text(paces: Sequence[float]) -> Iterator[str]:
    each = ", ".join(f"{pace:.0f}" for pace in paces)
    yield (
        f"\n{SMALL}, training, batch {SMALL_BATCH}, {len(paces)} workers of one thread: {each} "
        f"images/s a core; to reach {SMALL_TO_REACH:.0f}"
    )


# ---------------------------------------------------------------- evaluation


def evaluation_shares(folder: Path = MEASURED) -> dict[str, tuple[float, float]]:
    """Median and largest share of a run's time spent on evaluation, by measured sweep."""
    found = {}
    for file in sorted(folder.glob("*/runs.jsonl")):
        details = [json.loads(line)["details"] for line in file.read_text().splitlines()]
        shares = [each["evaluation_share"] for each in details if "evaluation_share" in each]
        if shares:
            found[file.parent.name] = (statistics.median(shares), max(shares))
    return found


def _shares_text(shares: Mapping[str, tuple[float, float]]) -> Iterator[str]:
    yield f"\nshare of a run's time spent on evaluation; to reach at most {SHARE_TO_REACH:.0%}"
    for name, (median, most) in shares.items():
        yield f"  {name:24} median {median:.1%}, most {most:.1%}"


if __name__ == "__main__":
    main()
