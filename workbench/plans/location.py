"""Where in a plan file a key stands, so that an error can point at it."""

import re
from collections.abc import Container
from pathlib import Path
from typing import cast

import yaml

from workbench.errors import InputError

VARIANT = re.compile(r"(?:variant|row) '(?P<name>.*?)': ")
KEY = re.compile(r"(?P<key>[^\s:'\"]+?)(?:\[\d+\])?: ")
UNKNOWN = re.compile(r": unknown '(?P<name>[^']*)'")
Node = yaml.Node | None


def located(error: InputError, path: Path, elsewhere: Container[str] = ()) -> InputError:
    """The error about the plan at `path`, with line and column of the key that it names.

    Without them where the key is not in the file, or is in `elsewhere`: set on a command line.
    """
    text = str(error)
    mark = None if text.startswith("line ") else _mark(text, path, elsewhere)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return InputError(f"{path}: {place}{text}")


def _mark(text: str, path: Path, elsewhere: Container[str]) -> yaml.Mark | None:
    root = _compose(path)
    row = VARIANT.match(text)
    named = KEY.match(text, row.end() if row else 0)
    if root is None or (named is None and row is None):
        return None
    key = _written(named["key"] if named else "", text)
    if key in elsewhere:
        return None
    if not row:
        return _walk(root, key, missing=text.endswith("missing") or ": missing;" in text, text=text)
    found = _row(root, row["name"])
    if found is None:
        return None
    every = _child(root, "base" if key == "base" else "set")  # what all rows begin with
    if mark := _override(found, key):
        return mark
    if every is not None and key == "base":
        return every.start_mark
    return (_override(every, key) if every else None) or found.start_mark


def _written(key: str, text: str) -> str:
    """The key as a plan has it, from how the network's errors name it."""
    unknown = UNKNOWN.search(text)
    if key == "key" and unknown:
        return unknown["name"]
    return "base" if key == "model" else key


def _compose(path: Path) -> Node:
    try:
        found: Node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    return found


def _walk(node: yaml.Node, key: str, missing: bool, text: str) -> yaml.Mark | None:
    """Along a dotted key, whose parts may have dots themselves, as far down as it leads."""
    if isinstance(node, yaml.SequenceNode):
        index, _, rest = key.partition(".")
        if not index.isdigit() or int(index) >= len(node.value):
            return None
        child = node.value[int(index)]
        return _walk(child, rest, missing, text) if rest else child.start_mark
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, child in node.value:
        if key == name.value:
            about_key = f"unknown '{name.value.split('.')[-1]}'" in text
            scalar = isinstance(child, yaml.ScalarNode)
            mark: yaml.Mark = (child if scalar and not about_key else name).start_mark
            return mark
        if key.startswith(f"{name.value}."):
            found = _walk(child, key[len(name.value) + 1 :], missing, text)
            if found:
                return found
    return node.start_mark if missing and "." not in key else None


def _row(root: yaml.Node, name: str) -> Node:
    """The row or the toggle of that name."""
    rows = _child(root, "rows")
    for row in rows.value if isinstance(rows, yaml.SequenceNode) else ():
        named = _child(row, "name")
        if isinstance(named, yaml.ScalarNode) and named.value == name:
            return cast(yaml.Node, row)
    toggles = _child(root, "toggles")
    part = name.removeprefix("without ")
    for key, _ in toggles.value if isinstance(toggles, yaml.MappingNode) else ():
        if key.value == part:
            return toggles
    return None


def _child(node: Node, key: str) -> Node:
    for name, child in node.value if isinstance(node, yaml.MappingNode) else ():
        if name.value == key:
            return cast(yaml.Node, child)
    return None


def _override(node: yaml.Node, key: str) -> yaml.Mark | None:
    """Where `key` or one of its fields is set within a row: as a key, or in KEY=VALUE."""
    if isinstance(node, yaml.MappingNode):
        for name, child in node.value:
            if name.value == key:
                return cast(yaml.Mark, name.start_mark)
            if found := _override(child, key):
                return found
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            if found := _override(child, key):
                return found
    elif node.value.partition("=")[0] == key and "=" in node.value:
        return node.start_mark
    return None
