"""All that is to be measured on a GPU, in one command that goes on where it was cut off.

    python -m benchmarks.device --minutes 9 --official cmt.py
    python -m benchmarks.device --minutes 9 --only sweeps \\
        --set recipe.data.name=parquet --set recipe.data.path=cifar10
    python -m benchmarks.device --small                the same on a CPU, with tiny networks

The parts, in their order: training in bf16 and going on from a checkpoint; `workbench cost --speed`
and the memory it estimates, against what is measured (within 15 %); throughput inside a sweep
against a bare loop (0.95); 1, 2, 4 and 8 workers on one GPU, and the number that a sweep chooses by
itself; `torch.compile` on every family (1.3 on CMT-S in bf16); CMT-S against the authors' code, if
`--official` gives it (2 in bf16); then the sweeps on CIFAR-10: 60 epochs, 5 seeds.

What a part found goes to FOLDER/PART.json, and a part that has its file is not run again; the
sweeps stop in time and go on at the next call. A part is begun if the minutes that are left are as
many as it may take. Nothing here has been run on a GPU yet: no machine with one could be had.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.official import compared, twins
from benchmarks.sweep_overhead import OneBatch, measure, random_batches
from workbench.config import DataConfig, Optimiser, Recipe, RunConfig
from workbench.cost import closed_form
from workbench.cost.memory import measure_training_memory, training_memory
from workbench.cost.speed import measure_speed
from workbench.cost.turns import in_turns
from workbench.engine.choice import ThisMachine
from workbench.machine import choose_device, processor_name
from workbench.models import build, fuse, spec
from workbench.plans.changes import Changes
from workbench.plans.load import load_plan
from workbench.runs.sweep import SweepOptions
from workbench.train.fit import fit
from workbench.train.parts import Parts
from workbench.train.speed.trial import measured
from workbench.train.speed.ways import ways_of
from workbench.tuning.workers import WorkersTrial, best, fastest

FOLDER = Path("results/device")
NEAR, INSIDE = 0.15, 0.95
FAMILIES = ("cmt_s", "deit_s", "levit_192", "volo_d1", "cmt_cifar")
PLANS = ("cmt_components", "norm", "reduction_ratio", "stage_count")
SYNTHETIC = ("recipe.data.name=synthetic", "recipe.data.train_size=50000")
GRACE = 60.0  # seconds that a sweep has to stop in

Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting:
    """What is measured on, and how large."""

    device: torch.device
    folder: Path
    official: Path | None = None
    settings: tuple[str, ...] = ()  # of the sweeps
    small: bool = False
    until: float = float("inf")  # when the minutes are over, by the clock of `time.monotonic`

    @property
    def networks(self) -> tuple[str, ...]:
        """Those that are measured, the first of them the most."""
        return ("cmt_digits", "deit_digits") if self.small else FAMILIES

    @property
    def batch(self) -> int:
        """Images of a step."""
        return 8 if self.small else 128


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to measure, and the most minutes that it takes on a GPU."""

    run: Callable[[Setting], Found]
    minutes: float
    to_reach: str


class Unfinished(Exception):  # noqa: N818 - the next call goes on
    """The minutes were over before the part was."""


def bf16(setting: Setting) -> Found:
    """A run in bf16, once whole and once cut off and gone on with."""
    name = setting.networks[0]
    network = spec(name, classes=10) if setting.small else spec("cmt_cifar")
    data = DataConfig(name="synthetic", train_size=10 * setting.batch, test_size=setting.batch)
    recipe = Recipe(data=data, epochs=3, batch_size=setting.batch, precision="bf16")
    run = RunConfig(variant=name, spec=network, recipe=recipe, seed=0)
    device = str(setting.device)
    with TemporaryDirectory() as top:
        whole = fit(run, Path(top, "whole"), lambda _: None, device)
        calls = iter(range(15))
        cut = fit(run, Path(top, "cut"), lambda _: None, device, lambda: next(calls, None) is None)
        again = fit(run, Path(top, "cut"), lambda _: None, device)
    assert whole.test_loss is not None
    assert again.test_loss is not None
    losses = {"whole": whole.test_loss, "gone_on": again.test_loss}
    return {"cut_off": str(cut.outcome), **losses, "apart": abs(whole.test_loss - again.test_loss)}


def cost(setting: Setting) -> Found:
    """Throughput and memory, as the workbench says and as a plain loop has them."""
    found: dict[str, Any] = {}
    for name in setting.networks:
        made = spec(name)
        network = fuse(build(made))
        told = measure_speed(
            network, name, made.channels, made.resolution, setting.batch, str(setting.device), 0.5
        )
        plain = setting.batch / _plain_seconds(setting, name)
        estimate = training_memory(closed_form(made), setting.batch, made).peak
        taken = _training_bytes(setting, name)
        found[name] = {
            "images_per_second": told.images_per_second, "plain_loop": plain,
            "speed_off": told.images_per_second / plain - 1,
            "memory": estimate, "memory_measured": taken, "memory_off": estimate / taken - 1,
        }  # fmt: skip
    return found


def _plain_seconds(setting: Setting, name: str) -> float:
    """Of a batch in a loop that waits for the device at its end alone."""
    made, device = spec(name), setting.device
    network = fuse(build(made)).to(device)
    images = random_batches(made, setting.batch, 1, str(device))[0][0]
    times = 2 if setting.small else 20

    @torch.inference_mode()
    def loop() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            for _ in range(times):
                network(images)
        _wait(device)

    return in_turns({name: loop}, 3)[name].median / times


def _training_bytes(setting: Setting, name: str) -> int:
    """The most that a training step in 32 bits with AdamW takes at once."""
    made = spec(name)
    network = build(made)
    if setting.device.type == "cpu":
        return measure_training_memory(network, made.channels, made.resolution, setting.batch).peak
    network = network.to(setting.device).train()
    optimiser = torch.optim.AdamW(network.parameters())
    ((images, labels),) = random_batches(made, setting.batch, 1, str(setting.device))
    before = torch.cuda.memory_allocated() - sum(p.nbytes for p in network.parameters())
    for _ in range(3):
        torch.cuda.reset_peak_memory_stats()
        torch.nn.functional.cross_entropy(network(images), labels).backward()
        optimiser.step()
        optimiser.zero_grad()
    return int(torch.cuda.max_memory_allocated() - before)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def overhead(setting: Setting) -> Found:
    """Throughput inside a sweep over that of a bare loop."""
    name, blocks, steps = ("cmt_digits", 2, 2) if setting.small else ("cmt_cifar", 12, 50)
    return measure(spec(name), setting.batch, blocks, steps, str(setting.device))


def workers(setting: Setting) -> Found:
    """Images per second of 1, 2, 4 and 8 workers, and the number that a sweep takes by itself."""
    plan = load_plan("cmt_components", Changes(settings=SYNTHETIC))
    options, machine = SweepOptions(device=str(setting.device)), ThisMachine()
    trial = WorkersTrial(plan, machine, machine.divide(None, len(plan.runs()), "auto"), options)
    whole = trial.seconds()
    found = fastest(trial.together, trial.counts())
    return {"chosen": best(found), "images_per_second": found, "seconds_of_the_plan": whole}


def compiled(setting: Setting) -> Found:
    """Training steps in bf16, compiled, over those as written, family by family."""
    found: dict[str, Any] = {}
    for name in setting.networks:
        made = spec(name)
        recipe = Recipe(batch_size=setting.batch, optimiser=Optimiser(lr=1e-4))
        run = RunConfig(variant=name, spec=made, recipe=recipe, seed=0)
        batches = random_batches(made, setting.batch, 2, str(setting.device))
        parts = Parts(build(made), _Same(batches), OneBatch(batches[0]))
        ways = measured(run, parts, batches, ways_of(("compile",), recipe, half=True))
        plain, faster = ways
        ratio = plain.seconds / faster.seconds if plain.seconds and faster.seconds else None
        found[name] = {"ratio": ratio, "compiling": faster.before, "fault": faster.fault}
    return found


class _Same(list[Any]):
    """The same batches in every epoch."""

    def set_epoch(self, epoch: int) -> None:
        """Nothing changes."""


def authors(setting: Setting) -> Found:
    """CMT-S over the authors' code; see `benchmarks.official`."""
    assert setting.official is not None
    pair = twins(setting.official, str(setting.device))
    lines = compared(pair, torch.get_num_threads(), setting.batch, 9)
    return {"lines": [asdict(line) for line in lines]}


def sweeps(setting: Setting) -> Found:
    """The plans on CIFAR-10, one after the other; each goes on where it was."""
    codes = {}
    for name in PLANS:
        command = [
            sys.executable, "-m", "workbench", "ablate", name, "--seeds", "0,1,2,3,4",
            "--results", str(setting.folder / "sweeps"), "--device", setting.device.type,
            "--set", "recipe.epochs=60",
        ]  # fmt: skip
        command += [word for text in setting.settings for word in ("--set", text)]
        codes[name] = _until(command, setting.until)
    return {"exit_codes": codes, "folder": str(setting.folder / "sweeps")}


def _until(command: Sequence[str], until: float) -> int:
    """The exit code of a sweep that is asked to stop when the time is over."""
    process = subprocess.Popen(command)
    try:
        return process.wait(max(0.0, until - time.monotonic()) if until < float("inf") else None)
    except subprocess.TimeoutExpired:
        process.terminate()  # not SIGINT, which commands in the background ignore
        try:
            process.wait(GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise Unfinished from None


PARTS: dict[str, Part] = {
    "bf16": Part(bf16, 1, "gone on with as if it had not been cut off"),
    "cost": Part(cost, 2, f"off by at most {NEAR:.0%}"),
    "overhead": Part(overhead, 1, f"ratio at least {INSIDE}"),
    "workers": Part(workers, 4, "the fastest is chosen"),
    "compiled": Part(compiled, 6, "1.3 on cmt_s"),
    "authors": Part(authors, 4, "2 in bf16, forward and training"),
    "sweeps": Part(sweeps, 2, "as far as the minutes go"),
}


def go_on(setting: Setting, names: Sequence[str]) -> Iterator[str]:
    """Measure what has no file yet, as long as there is time; a line for each part."""
    setting.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        part, file = PARTS[name], setting.folder / f"{name}.json"
        left = (setting.until - time.monotonic()) / 60
        if file.exists():
            yield f"{name}: done before"
        elif name == "authors" and setting.official is None:
            yield f"{name}: left out, for --official gives no file"
        elif left < part.minutes and not setting.small:
            yield f"{name}: left for the next call; it takes {part.minutes:g} minutes"
        else:
            yield _measured(setting, name, part, file)


def _measured(setting: Setting, name: str, part: Part, file: Path) -> str:
    begun = time.monotonic()
    try:
        found = part.run(setting)
    except Unfinished:
        return f"{name}: the minutes are over; the next call goes on with it"
    except Exception as error:  # the other parts are worth having all the same
        return f"{name}: failed, {type(error).__name__}: {error}"
    facts = {
        "device": processor_name(setting.device), "torch": torch.__version__,
        "seconds": time.monotonic() - begun, "to_reach": part.to_reach, "small": setting.small,
    }  # fmt: skip
    file.write_text(json.dumps({**facts, "found": found}, indent=2) + "\n")
    return f"{name}: {json.dumps(found)} (to reach: {part.to_reach})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=float("inf"), help="of this call")
    parser.add_argument("--into", type=Path, default=FOLDER, metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--official", type=Path, metavar="FILE", help="the authors' cmt.py")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--small", action="store_true", help="tiny networks; on a CPU, too")
    given = parser.parse_args()
    device = choose_device("auto")
    if device.type != "cuda" and not given.small:
        sys.exit("No GPU is here, so there is nothing to measure; --small runs it on the CPU.")
    until = time.monotonic() + 60 * given.minutes
    setting = Setting(device, given.into, given.official, tuple(given.settings), given.small, until)
    for line in go_on(setting, given.only):
        print(line, flush=True)


if __name__ == "__main__":
    main()
