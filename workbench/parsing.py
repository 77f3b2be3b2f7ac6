"""A model from what a user wrote: pydantic's report of a fault as one line.

It names the key, the value and the nearest valid choice.
"""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from workbench.errors import InputError, shown, unknown

Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], data: Mapping[str, object], where: str) -> Model:
    """`data` as a `model`; the first fault is an `InputError` whose key starts with `where`."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise _input_error(model, error.errors(include_url=False)[0], data, where) from None


def _input_error(model: type[BaseModel], fault: Any, data: object, where: str) -> InputError:
    path = _path(fault, data)
    key = ".".join(part for part in [where, *path] if part)
    if fault["type"] == "extra_forbidden":
        owner = _submodel(model, path[:-1])
        fields = owner.model_fields.items()
        names = (field.alias or name for name, field in fields)
        return unknown(key, path[-1], names).but(about="key")
    if fault["type"] == "missing":
        return InputError("missing", key=key, about="missing")
    if fault["type"] == "too_short":
        wanted, found = fault["ctx"]["min_length"], fault["ctx"]["actual_length"]
        return InputError(f"it needs at least {wanted}, and has {found}", key=key)
    if fault["type"] == "literal_error" and isinstance(fault["input"], str):
        return unknown(key, fault["input"], re.findall(r"'(.*?)'", fault["ctx"]["expected"]))
    return InputError(f"{shown(fault['input'])} is refused: {_why(fault)}", key=key)


def _path(fault: Any, data: object) -> list[str]:
    """The keys that lead to a fault, without the members of unions that pydantic names there."""
    path, keys = list[str](), fault["loc"]
    for index, key in enumerate(keys):
        inner = _inside(data, key)
        if inner:
            (data,) = inner
        elif fault["type"] != "missing" or index < len(keys) - 1:
            continue
        path.append(str(key))
    return path


def _inside(data: object, key: int | str) -> tuple[object, ...]:
    """What stands under `key`; nothing where there is no such key."""
    if isinstance(data, list | tuple) and isinstance(key, int):
        return (data[key],) if key < len(data) else ()
    return (data[key],) if isinstance(data, Mapping) and key in data else ()


WHY = {  # pydantic's kinds of fault, in words for people who write plans; by how they begin
    "int": "it must be a whole number",
    "float": "it must be a number",
    "bool": "it must be true or false",
    "string_type": "it must be text",
    "string_too_short": "it must not be empty",
    "string_pattern": "it must be letters, digits and _ . - after a first letter or digit",
    "tuple": "it must be a list",
    "list": "it must be a list",
    "too_long": "it has more than {max_length}",
    "dict": "it must be a mapping of keys to values",
    "mapping": "it must be a mapping of keys to values",
    "model": "it must be a mapping of keys to values",
    "literal": "it must be {expected}",
    "greater_than_equal": "it must be at least {ge}",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be at most {le}",
    "less_than": "it must be less than {lt}",
    "finite": "it must be finite",
}


def _why(fault: Mapping[str, Any]) -> str:
    if fault["type"] == "value_error":  # of a validator of ours
        return str(fault["ctx"]["error"])
    text = next((text for kind, text in WHY.items() if fault["type"].startswith(kind)), "")
    return text.format_map(fault.get("ctx", {})) or str(fault["msg"])


def _submodel(model: type[BaseModel], path: list[str]) -> type[BaseModel]:
    for part in path:
        field = model.model_fields.get(part)  # None for an index: its model was found before it
        annotation = field.annotation if field else None
        for kind in (annotation, *get_args(annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                model = kind
    return model
