"""Slot `mixer`: what mixes positions."""

from workbench.models.components.mixer.base import Mixer, attend
from workbench.models.components.mixer.gpsa import Gpsa
from workbench.models.components.mixer.levit import Levit
from workbench.models.components.mixer.lmhsa import Lmhsa
from workbench.models.components.mixer.outlook import Outlook
from workbench.models.components.mixer.plain import Identity, PoolMixer
from workbench.models.components.mixer.pooling import PoolingAttention

MIXERS: dict[str, type[Mixer]] = {
    "gpsa": Gpsa,
    "identity": Identity,
    "levit": Levit,
    "lmhsa": Lmhsa,
    "outlook": Outlook,
    "pool": PoolMixer,
    "pooling_attention": PoolingAttention,
}

__all__ = ["MIXERS", "Lmhsa", "Mixer", "attend"]
