"""A network on disk, as the Hugging Face hub lays it out: weights, configuration, model card.

`model.safetensors` is enough by itself: the whole spec is in its metadata. `config.json` has the
same for other programs, `README.md` for people.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workbench.config import SCORES, NetworkSpec, Peer, Recipe, Result, RunConfig, Spec, Task
from workbench.cost import cost as cost_of
from workbench.data import describe
from workbench.errors import InputError
from workbench.models import Network, build
from workbench.models.card import LIBRARY, card
from workbench.models.layout import layout
from workbench.models.ops import square
from workbench.models.tensor_file import read_tensors, write_tensors
from workbench.parsing import parse
from workbench.train.best import best_of
from workbench.train.checkpoint import NAME, load_checkpoint, network_weights
from workbench.train.score import NAMES
from workbench.version import __version__
from workbench.whole_file import writing, written_whole

WEIGHTS, CONFIG, CARD = "model.safetensors", "config.json", "README.md"  # the hub's names
TASK = "task"  # among the facts of a detector's or a segmenter's weights
LAST, BEST = "last", "best"  # folders, in that of a run: its final weights, its best by validation


def save(model: Network, folder: str | Path, *, source: str = "not stated") -> Path:
    """Writes `model` into `folder`, which `wb.load` reads and `huggingface_hub` can push.

    `source` says where the weights come from, for the model card. Returns the folder. Raises
    `InputError` for a network that is not the one of its spec, such as a fused one, and for a
    folder that can't be written or that holds other files under the same names.
    """
    if not isinstance(model, Network):
        raise InputError(f"{type(model).__name__} is no network that wb.build made", key="model")
    state = model.state_dict()
    odd = _misfit(model.spec, state)
    if odd:
        raise InputError(
            f"{odd}, unlike the network of its spec; save it before wb.fuse", key="model"
        )
    _write(Path(folder), state, model.spec, {"source": source})
    return Path(folder)


def load_saved(path: Path) -> nn.Module:
    """The network in a saved folder, or in its `model.safetensors`, in eval mode, on the CPU.

    Weights are in 32 bits. Nothing is built before it is known that the tensors are those of the
    spec. Raises `InputError` for files that are missing, damaged or that contradict each other.
    """
    file = path / WEIGHTS if path.is_dir() else path
    state, facts = read_tensors(file)
    spec = spec_within(file, facts)
    _refuse_other_config(file.with_name(CONFIG), spec)
    if TASK in facts:
        return _task_model(file, spec, state, facts)
    odd = _misfit(spec, state)
    if odd:
        raise InputError(f"{str(file)!r}: {odd}, unlike the network of its spec", key="weights")
    network = build(spec)
    network.load_state_dict(state)
    return network.eval()


def _task_model(
    file: Path, spec: NetworkSpec, state: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> nn.Module:
    """A detector or a segmenter, which takes images from 0 to 1."""
    from workbench.tasks.model import task_model

    missing = [key for key in ("outputs", "mean", "std") if key not in facts]
    if missing:
        raise InputError(f"{str(file)!r} is damaged: it has no {missing[0]}", key="weights")
    task = parse(Task, facts[TASK], "task")
    own = _without_values(spec).state_dict()
    size = sum(each.numel() for name, each in own.items() if not name.startswith("head."))
    if size > sum(each.numel() for each in state.values()):
        raise InputError(f"{str(file)!r} has fewer weights than its spec", key="weights")
    network = build(spec)
    if not isinstance(network, Network):
        raise InputError(f"{str(file)!r} is damaged: {spec.name} has no maps", key="weights")
    made = task_model(task, network, facts["outputs"], facts["mean"], facts["std"])
    try:
        made.load_state_dict(state)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{str(file)!r} is not of its task: {reason}", key="weights") from None
    return made.eval()


def holds_network(path: Path) -> bool:
    """Whether `path` is a saved folder, or a file of weights."""
    return (path / WEIGHTS).is_file() or (path.suffix == ".safetensors" and path.is_file())


def keep_weights(run: RunConfig, folder: Path, result: Result) -> None:
    """The weights that `result` is the score of, from the last checkpoint in a run's `folder`.

    They are saved in `folder`/last; where the recipe has validation images, those of the epoch that
    was best on them are saved in `folder`/best. Raises `InputError` as `save` does.
    """
    checkpoint = load_checkpoint(folder / NAME)
    data = describe(run.recipe.data)
    averaged = ", averaged over the steps" if run.recipe.ema_decay is not None else ""
    trained = f"trained on {data.name}{averaged}"
    facts = {
        "recipe": run.recipe.model_dump(mode="json"),
        "mean": data.mean,
        "std": data.std,
        "class_names": data.class_names,
        **_task_facts(run.recipe),
    }
    name = NAMES[run.recipe.task.name]
    best = best_of(checkpoint)
    if best is not None:
        score = f"{best.top1:.2f} % on validation images, the best of {run.recipe.epochs} epochs"
        source = f"{trained} for {best.epoch + 1} epochs: {name} {score}"
        _write(folder / BEST, best.weights, run.spec, _of(run, source, best.top1) | facts)
    score = f"{result.top1:.2f} % on {data.test_size} test images"
    source = f"{trained} for {run.recipe.epochs} epochs: {name} {score}"
    state = network_weights(checkpoint)
    _write(folder / LAST, state, run.spec, _of(run, source, result.top1) | facts)


def _task_facts(recipe: Recipe) -> dict[str, object]:
    """What a detector or a segmenter is made again from, beside the spec of its network."""
    if recipe.task.name == "classify":
        return {}
    from workbench.data.scenes import open_scenes, outputs

    classes = outputs(open_scenes(recipe.data), recipe.task)
    return {TASK: recipe.task.model_dump(mode="json"), "outputs": classes}


def _of(run: RunConfig, source: str, score: float | None) -> dict[str, object]:
    name = SCORES[run.recipe.task.name]
    return {
        "source": f"{source}; run {run.id}, seed {run.seed}",
        "run": {"id": run.id, "variant": run.variant, "seed": run.seed, name: score},
    }


# ---------------------------------------------------------------- reading


def spec_within(file: Path, facts: Mapping[str, object]) -> NetworkSpec:
    """The network that a file of weights says it is of. Raises `InputError` where it says none."""
    found = facts.get("spec")
    if not isinstance(found, Mapping):
        raise InputError(
            f"{str(file)!r} has no spec inside; wb.build a network, then wb.load_weights",
            key="weights",
        )
    return _parsed(found)


def _parsed(found: Mapping[str, object]) -> NetworkSpec:
    return parse(Peer, found, "spec") if "timm" in found else parse(Spec, found, "spec")


def _refuse_other_config(file: Path, spec: NetworkSpec) -> None:
    """A configuration that was edited would describe another network than the one in the file."""
    if not file.exists():
        return
    found = _config(file).get("spec")
    if not isinstance(found, dict) or _parsed(found) != spec:
        raise InputError(
            f"{str(file)!r} has another spec than the {WEIGHTS} beside it", key="config"
        )


def _config(file: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise InputError(f"{str(file)!r} can't be read, it is damaged or no mapping", key="config")
    return found


def _misfit(spec: NetworkSpec, state: Mapping[str, Tensor]) -> str | None:
    """What is different about `state`, if it is not of the network of `spec`."""
    blocks = sum(stage.depth for stage in spec.stages) if isinstance(spec, Spec) else 0
    if blocks > len(state):  # counted before as many modules are made
        return f"there are {len(state)} tensors for {blocks} blocks"
    own = _without_values(spec).state_dict()
    for name in [*own, *state]:
        if name not in state:
            return f"{name} is missing"
        if name not in own:
            return f"{name} is there"
        if state[name].shape != own[name].shape:
            return f"{name} is {[*state[name].shape]}"
        if state[name].is_floating_point() != own[name].is_floating_point():
            return f"{name} is of type {state[name].dtype}"
    return None


def _without_values(spec: NetworkSpec) -> nn.Module:
    try:
        if isinstance(spec, Peer):
            return build(spec)
        with torch.device("meta"):
            return Network(layout(spec))
    except InputError:
        raise
    except Exception as error:  # a spec that `wb.spec` did not make may hold anything
        why = " ".join(str(error).split())[:120]
        raise InputError(
            f"it is of no network: {type(error).__name__}: {why}", key="spec"
        ) from None


# ---------------------------------------------------------------- writing


def _write(
    folder: Path, state: Mapping[str, Tensor], spec: NetworkSpec, facts: Mapping[str, object]
) -> None:
    """The weights last: where they are, all is there."""
    classes, cost = spec.classes, None
    task, outputs = facts.get(TASK), facts.get("outputs")
    if isinstance(task, dict) and isinstance(outputs, int) and isinstance(spec, Spec):
        from workbench.cost.dense import task_cost  # imports torchvision's detectors

        classes = outputs
        cost = task_cost(spec, parse(Task, task, TASK), classes, square(spec.resolution))
    cost = cost or cost_of(spec)
    config = {
        "library_name": LIBRARY,
        "library_version": __version__,
        "architecture": spec.name,
        "num_classes": classes,
        "input_size": [spec.channels, spec.resolution, spec.resolution],
        "params": cost.params,
        "macs": cost.macs,
        **facts,
        "spec": spec.model_dump(mode="json"),
    }
    with writing(folder, "folder"):
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        described = json.dumps(config, indent=2) + "\n"
        for name, text in ((CARD, card(config)), (CONFIG, described)):
            with written_whole(folder / name) as half:
                half.write_text(text, encoding="utf-8")
    write_tensors(folder / WEIGHTS, state, config)


def _refuse_foreign(folder: Path) -> None:
    there = [name for name in (WEIGHTS, CONFIG, CARD) if (folder / name).exists()]
    if not there:
        return
    try:
        ours = _config(folder / CONFIG).get("library_name") == LIBRARY
    except InputError:
        ours = False
    if not ours:
        raise InputError(f"{folder} has a {there[0]} that wb.save did not write", key="folder")
