"""What the models are made of: bounded numbers, colours, the frozen base, the digest of ids."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _number(value: object) -> object:
    if isinstance(value, bool):  # `lr: true` is a slip, not 1.0
        raise ValueError("it must be a number")
    return value


LARGEST = 2**63 - 1  # what a database holds
Count = Annotated[int, Field(strict=True, ge=1, le=LARGEST)]
Natural = Annotated[int, Field(strict=True, ge=0, le=LARGEST)]
Depth = Annotated[int, Field(strict=True, ge=1, le=256)]  # beyond these sizes nothing is built
Width = Annotated[int, Field(strict=True, ge=1, le=65_536)]
Classes = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Flag = Annotated[bool, Field(strict=True)]
Real = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Rate = Annotated[Real, Field(ge=0, lt=1)]
Share = Annotated[Real, Field(ge=0, le=1)]
Scalar = bool | int | float | str | None

Colour = tuple[float, float, float]  # red, green and blue, from 0 to 1
IMAGENET_MEAN: Colour = (0.485, 0.456, 0.406)
IMAGENET_STD: Colour = (0.229, 0.224, 0.225)


class Frozen(BaseModel):
    """Immutable, and no key is ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def _refuse_idle(self, choice: str, acting: Mapping[str, tuple[str, ...]]) -> None:
        """Refuse a setting that does nothing beside the value of the field `choice`; `acting` has
        the values of it that each such setting acts with."""
        chosen = getattr(self, choice)
        for key, values in acting.items():
            if chosen not in values and getattr(self, key) != type(self).model_fields[key].default:
                raise ValueError(f"{key} does nothing with {choice}={chosen}")


def flatten(value: object, prefix: str = "") -> dict[str, object]:
    """Nested mappings as one, with dotted keys."""
    if not isinstance(value, Mapping):
        return {prefix: value}
    return {
        key: found
        for name, child in value.items()
        for key, found in flatten(child, f"{prefix}.{name}" if prefix else name).items()
    }


def digest(data: object) -> str:
    """SHA-256 of the canonical JSON of `data`, in hexadecimal."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()
