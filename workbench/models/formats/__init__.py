"""State dicts of other code, renamed to ours: one file a release, all of them listed here."""

from collections.abc import Mapping

from torch import Tensor

from workbench.config import Spec
from workbench.errors import InputError
from workbench.models.formats.base import Format
from workbench.models.formats.cmt_released import CMT_RELEASED
from workbench.models.formats.timm_levit import TIMM_LEVIT
from workbench.models.formats.timm_vit import TIMM_VIT, TIMM_VIT_DISTILLED
from workbench.models.formats.timm_volo import TIMM_VOLO

FORMATS: tuple[Format, ...] = (
    CMT_RELEASED,
    TIMM_LEVIT,
    TIMM_VIT,
    TIMM_VIT_DISTILLED,
    TIMM_VOLO,
)


def convert(state: Mapping[str, Tensor], spec: Spec, origin: str) -> Mapping[str, Tensor]:
    """`state` under the workbench's names; one that is no known release is returned as it is."""
    for known in FORMATS:
        if known.recognises(state):
            if not known.fits(spec):
                raise InputError(
                    f"{origin!r} looks like {known.title}, which {spec.name!r} is not",
                    key="weights",
                )
            return known.convert(state, origin)
    return state


__all__ = ["FORMATS", "Format", "convert"]
