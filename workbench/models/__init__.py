"""Networks: zoo -> network -> stage -> block -> components."""

from workbench.models.fuse import fuse
from workbench.models.network import Network
from workbench.models.networks import build, fingerprint
from workbench.models.registry import SLOTS, register
from workbench.models.spec import spec
from workbench.models.weights import load_weights
from workbench.models.zoo import ZOO

__all__ = [
    "SLOTS",
    "ZOO",
    "Network",
    "build",
    "fingerprint",
    "fuse",
    "load_weights",
    "register",
    "spec",
]
