"""Slot `mixer`: what mixes positions."""

from typing import Any

from workbench.models.components.mixer.base import Mixer, attend
from workbench.models.components.mixer.lmhsa import Lmhsa

MIXERS: dict[str, type[Mixer[Any]]] = {"lmhsa": Lmhsa}

__all__ = ["MIXERS", "Lmhsa", "Mixer", "attend"]
