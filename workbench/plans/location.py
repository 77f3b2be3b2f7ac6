"""Where in a plan file a key stands, so that an error can point at it."""

from collections.abc import Container
from pathlib import Path
from typing import cast

import yaml

from workbench.errors import InputError

Node = yaml.Node | None


def located(error: InputError, path: Path, elsewhere: Container[str] = ()) -> InputError:
    """The error about the plan at `path`, with line and column of the key that it is about.

    Without them where the key is not in the file, or is in `elsewhere`: set on a command line.
    """
    mark = None if error.place or error.key in elsewhere else _mark(error, path)
    place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else error.place
    return error.but(place=f"{path}: {place}" if place else str(path))


def _mark(error: InputError, path: Path) -> yaml.Mark | None:
    root, key = _compose(path), error.key
    if root is None or not (key or error.row):
        return None
    if not error.row:
        return _walk(root, key, error)
    found = _row(root, error.row)
    if found is None:
        return None
    every = _child(root, "base" if key == "base" else "set")  # what all rows begin with
    if mark := _override(found, key):
        return mark
    if every is not None and key == "base":
        return every.start_mark
    return (_override(every, key) if every else None) or found.start_mark


def _compose(path: Path) -> Node:
    try:
        found: Node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    return found


def _walk(node: yaml.Node, key: str, error: InputError) -> yaml.Mark | None:
    """Along a dotted key, whose parts may have dots themselves, as far down as it leads."""
    if isinstance(node, yaml.SequenceNode):
        index, _, rest = key.partition(".")
        if not index.isdigit() or int(index) >= len(node.value):
            return None
        child = node.value[int(index)]
        return _walk(child, rest, error) if rest else child.start_mark
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, child in node.value:
        if key == name.value:
            scalar = isinstance(child, yaml.ScalarNode)
            mark: yaml.Mark = (child if scalar and error.about != "key" else name).start_mark
            return mark
        if key.startswith(f"{name.value}."):
            found = _walk(child, key[len(name.value) + 1 :], error)
            if found:
                return found
    return node.start_mark if error.about == "missing" and "." not in key else None


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
