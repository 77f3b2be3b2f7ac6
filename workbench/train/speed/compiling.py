"""Compiled training steps."""

import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import nn

from workbench.config import Recipe
from workbench.errors import InputError

BACKEND = "inductor"
COMPILERS = ("g++", "clang++")


def compile_steps(network: nn.Module) -> None:
    """Training steps of `network` are compiled when the first is taken; its weights keep their
    names. Shapes are those of a batch, which are all alike. The compiler
    runs within this process, since those that it would start outlive a worker that is killed."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    network.compile(backend=BACKEND, dynamic=False)


@contextmanager
def uncompiled(recipe: Recipe) -> Iterator[None]:
    """Within, networks run as they are written: evaluation is of other shapes, each of which would
    be compiled."""
    if recipe.compile is not True:
        yield
        return
    with torch.compiler.set_stance("force_eager"):
        yield


def check_compiler(recipe: Recipe) -> None:
    """Raises `InputError` for a recipe that asks for compiled steps where nothing can compile."""
    fault = lacking()
    if recipe.compile is True and fault:
        raise InputError(f"{fault}; leave it out, or say auto", key="recipe.compile")


def check_decided(recipe: Recipe) -> None:
    """Raises `InputError` where nothing has decided on compiling, or nothing can compile."""
    if recipe.compile == "auto":
        raise InputError("'auto' is decided by a sweep before its runs; say true or false",
                         key="recipe.compile")  # fmt: skip
    check_compiler(recipe)


def lacking() -> str:
    """What torch.compile lacks here; empty where nothing is missing."""
    named = os.environ.get("CXX")
    if not any(shutil.which(name) for name in ([named] if named else COMPILERS)):
        return f"no C++ compiler is here: {named or ' or '.join(COMPILERS)}"
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    return "" if header.exists() else "Python's headers are not here: the package python3-dev"
