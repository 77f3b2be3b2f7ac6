"""`workbench probe`: what the features of networks are worth on images, as a table."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from workbench.config import DataConfig, NetworkSpec
from workbench.errors import InputError
from workbench.machine import choose_device
from workbench.models import build
from workbench.models.networks import spec as network_spec
from workbench.models.tensor_file import read_facts
from workbench.models.weights import load_file
from workbench.runs.kept import kept_runs
from workbench.show.table import Column, Table, cell, number
from workbench.train.recipes import recipe
from workbench.train.saved import TASK, WEIGHTS, holds_network, load_saved, spec_within
from workbench.train.teaching.colours import own_colours
from workbench.train.teaching.probe import probe

DATA = "recipe.data."
COLUMNS = (
    Column("Network", ("network",), "name"),
    Column("Seed", ("seed",)),
    Column("Features", ("features",), rank=1),
    Column("k-NN, %", ("knn",)),
    Column("Linear, %", ("linear",)),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is probed: a zoo entry or timm:NAME with a file of weights, a saved network's folder, or
    a results folder, of which all runs that kept their weights, or those of a variant or seed."""

    name: str
    overrides: Sequence[str] = ()
    weights: Path | None = None
    variant: str | None = None
    seed: int | None = None


class Subject(NamedTuple):
    """One network with its weights, and what their file says of them."""

    name: str
    seed: int | None
    network: nn.Module
    spec: NetworkSpec
    facts: Mapping[str, Any]


def probes_table(
    asked: Asked, settings: Sequence[str] = (), neighbours: int = 20, device: str = "auto"
) -> Table:
    """k-NN and linear probe of each network, on the data of its training or as `settings` say.

    `settings` are `recipe.data.KEY=VALUE`. Raises `InputError` for what can't be probed.
    """
    rows, sizes = [], dict[str, None]()
    for subject in _subjects(asked):
        data = _data(subject, settings)
        found = probe(
            subject.network.to(choose_device(device)), data, neighbours,
            resolution=subject.spec.resolution,
            colours=own_colours(subject.network, subject.facts),
        )  # fmt: skip
        seed = "" if subject.seed is None else str(subject.seed)
        rows.append((
            cell(subject.name), cell(seed, subject.seed), number(found.features),
            number(found.knn, ".2f"), number(found.linear, ".2f"),
        ))  # fmt: skip
        sizes[f"{data.name}: {found.train} training and {found.test} test images"] = None
    notes = (
        f"Top-1 on test images, {'; '.join(sizes)}, none of them augmented. No weight is trained.",
        f"k-NN: {neighbours} neighbours by cosine, weighed (arXiv:1805.01978). Linear: logistic "
        "regression on standardised features.",
    )
    return Table("What the features say", COLUMNS, rows, notes=notes)


# ---------------------------------------------------------------- networks


def _subjects(asked: Asked) -> Iterator[Subject]:
    path = Path(asked.name)
    if not path.exists():
        yield _named(asked)
        return
    if asked.overrides or asked.weights:
        raise InputError("a folder has its own network and weights", key="probe")
    if not holds_network(path):
        for run, folder in kept_runs(path, asked.variant, asked.seed):
            yield _saved(run.variant, run.seed, folder)
        return
    _refuse_choice(asked)
    yield _saved(asked.name, None, path)


def _refuse_choice(asked: Asked) -> None:
    if asked.variant is not None or asked.seed is not None:
        raise InputError(f"{asked.name!r} is no folder of results", key="variant")


def _saved(name: str, seed: int | None, path: Path) -> Subject:
    file = path / WEIGHTS if path.is_dir() else path
    facts = read_facts(file)
    if TASK in facts:
        raise InputError(
            f"{str(path)!r} holds a model of task {facts[TASK]['name']}; probes are of classifiers",
            key="probe",
        )
    return Subject(name, seed, load_saved(path), spec_within(file, facts), facts)


def _named(asked: Asked) -> Subject:
    if os.sep in asked.name:
        raise InputError(f"{asked.name!r} does not exist", key="probe")
    _refuse_choice(asked)
    described = network_spec(asked.name, *asked.overrides)
    if asked.weights is None:
        raise InputError(
            f"missing; {described.name} has none of its own: name a file", key="--weights",
            about="missing",
        )  # fmt: skip
    network = build(described)
    load_file(network, asked.weights, described.name, new_head=True)
    facts = read_facts(asked.weights)
    return Subject(described.name, None, network.eval(), described, facts)


# ---------------------------------------------------------------- data


def _data(subject: Subject, settings: Sequence[str]) -> DataConfig:
    """Those that the network was trained on, changed as `settings` say."""
    for text in settings:
        if not text.startswith(DATA):
            raise InputError(f"{text!r} is refused: write {DATA}KEY=VALUE", key="--set")
    trained = (subject.facts.get("recipe") or {}).get("data")
    if trained is None and not any(text.startswith(f"{DATA}name=") for text in settings):
        raise InputError(
            f"missing; the weights do not say what they were trained on: --set {DATA}name=cifar10",
            key=f"{DATA}name",
            about="missing",
        )
    changes = [text.removeprefix("recipe.") for text in settings]
    try:
        return recipe({"data": trained or {}}, *changes).data
    except InputError as error:
        raise error.but(key=f"recipe.{error.key.removeprefix('recipe.')}") from None
