"""YAML as plans and options are written, read once into plain data with the place of every key.

Only nulls, booleans, numbers, text, lists and mappings: no dates, no bytes, no sets, no code. A
date or a time such as 1:30 is text. Otherwise plain words mean what they mean in YAML 1.1 (`yes`
is true, 010 is 8, 1e-3 is text that becomes a number where a number is meant), so that plans keep
their meaning. What can grow without bound is counted before it is made.
"""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from io import StringIO
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from workbench.errors import InputError, shown

MOST_TEXT = 200_000  # characters
MOST_VALUES = 10_000  # keys and values; aliases count as what they stand for
MOST_DEPTH = 30
LARGEST = 2**63 - 1  # what a database holds, as in `config`

PLAIN = "plain"  # the tag of a scalar without quotes
YAML_TAG = "tag:yaml.org,2002:"
TEXT = f"{YAML_TAG}str"
MEANINGS = {"null": None, "yes": True, "true": True, "on": True,
            "no": False, "false": False, "off": False}  # fmt: skip
WORDS = {"": None, "~": None} | {
    spelt: value
    for word, value in MEANINGS.items()
    for spelt in (word, word.capitalize(), word.upper())
}
WHOLE = re.compile(r"[-+]?(0b_*[01][01_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|0[0-7_]*|[1-9][0-9_]*)")
NUMBER = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|\.[0-9][0-9_]*([eE][-+][0-9]+)?"
    r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
ODD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # breaks terminals and files


class Place(NamedTuple):
    """Where something stands in a text, both from 1."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}"


@dataclass
class Written:
    """What a YAML text says, and where: by dotted key, such as `rows.0.set.mixer.k`.

    `keys` has where a key begins, `values` where its value does, if that is no list or mapping.
    KEY=VALUE in a list or alone counts as a key, too.
    """

    data: object = None
    keys: dict[str, Place] = field(default_factory=dict)
    values: dict[str, Place] = field(default_factory=dict)


def read_yaml(text: str) -> Written:
    """What `text` says. Raises `InputError`, with the place, for what is no plain YAML."""
    if len(text) > MOST_TEXT:
        raise InputError(f"it is refused: it is longer than {MOST_TEXT:,} characters")
    yaml = YAML(typ="safe", pure=True)
    yaml.Resolver = _Resolver
    yaml.max_depth = MOST_DEPTH
    yaml.composer.warn_double_anchors = False
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        raise _marked(error) from None
    except YAMLError as error:
        raise InputError(f"not YAML: {' '.join(str(error).split())}") from None
    written = Written()
    if root is not None:
        written.data = _Reader(written).read(root, "", 0)
        written.keys[""] = _place(root)
    return written


def read_value(text: str, key: str) -> Any:
    """The value that an option or an override gives to `key`."""
    try:
        return copy.deepcopy(_value(text))
    except InputError as error:
        raise InputError(f"{shown(text)} is refused: {error.reason}", key=key) from None


@lru_cache(maxsize=4096)  # the rows of a plan share most of their overrides
def _value(text: str) -> object:
    return read_yaml(text).data


def write_yaml(data: Mapping[str, object]) -> str:
    """`data` as YAML, its keys in their order."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 100
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


class _Resolver(VersionedResolver):
    """Leaves to us what scalars without quotes mean, and counts what there is."""

    count = 0

    def resolve(self, kind: type[Node], value: Any, implicit: tuple[bool, bool]) -> Tag:
        self.count += 1
        if self.count > MOST_VALUES:
            raise InputError(f"there are more than {MOST_VALUES:,} keys and values")
        if kind is ScalarNode and implicit[0]:
            return Tag(suffix=PLAIN)
        found: Tag = super().resolve(kind, value, implicit)
        return found


class _Reader:
    """From nodes to data; fills in the places on the way."""

    def __init__(self, written: Written) -> None:
        self.written = written
        self.count = 0

    def read(self, node: Node, path: str, depth: int) -> object:
        """The value of `node`, which stands at the dotted `path`."""
        self.count += 1
        if self.count > MOST_VALUES:
            raise _refusal(node, f"there are more than {MOST_VALUES:,} values by its aliases")
        if depth > MOST_DEPTH:
            raise _refusal(node, f"it is nested deeper than {MOST_DEPTH}")
        if isinstance(node, ScalarNode):
            value = _scalar(node)
            self.written.values[path] = _place(node)
            if isinstance(value, str) and "=" in value:
                self._override(value.partition("=")[0].strip(), node, path)
            return value
        if isinstance(node, SequenceNode) and str(node.tag) == f"{YAML_TAG}seq":
            return self._list(node, path, depth)
        if isinstance(node, MappingNode) and str(node.tag) == f"{YAML_TAG}map":
            return self._mapping(node, path, depth)
        raise _foreign(node)

    def _list(self, node: SequenceNode, path: str, depth: int) -> list[object]:
        for index, child in enumerate(node.value):
            self.written.keys[_join(path, str(index))] = _place(child)
        return [
            self.read(child, _join(path, str(index)), depth + 1)
            for index, child in enumerate(node.value)
        ]

    def _mapping(self, node: MappingNode, path: str, depth: int) -> dict[str, object]:
        own, merged = dict[str, object](), dict[str, object]()
        for name, child in node.value:
            if str(name.tag) == PLAIN and name.value == "<<":
                merged = self._merged(child, path, depth) | merged
                continue
            key = _key(name)
            if key in own:
                raise _refusal(name, f"the key {key!r} stands there twice")
            self.written.keys[_join(path, key)] = _place(name)
            own[key] = self.read(child, _join(path, key), depth + 1)
        return merged | own

    def _merged(self, node: Node, path: str, depth: int) -> dict[str, object]:
        """What `<<: *anchor` brings in; of several mappings the first wins."""
        found = dict[str, object]()
        for each in node.value if isinstance(node, SequenceNode) else (node,):
            value = self.read(each, path, depth + 1)
            if not isinstance(value, dict):
                raise _refusal(each, "'<<' takes a mapping, or a list of them")
            found = value | found
        return found

    def _override(self, key: str, node: Node, path: str) -> None:
        parent, _, last = path.rpartition(".")
        full = _join(parent if last.isdigit() else path, key)
        self.written.keys.setdefault(full, _place(node))
        self.written.values.setdefault(full, _place(node))


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _refusal(node: Node, reason: str) -> InputError:
    return InputError(reason, place=str(_place(node)))


def _foreign(node: Node) -> InputError:
    tag = str(node.tag).replace(YAML_TAG, "!!")
    return _refusal(node, f"{tag!r} is a tag in YAML; put it in quotes")


def _key(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise _refusal(node, "a list or a mapping can't be a key; keys are words")
    if str(node.tag) not in (PLAIN, TEXT):
        raise _foreign(node)
    return _checked(node)


def _checked(node: ScalarNode) -> str:
    text: str = node.value
    if found := ODD.search(text):
        raise _refusal(node, f"the control character {found[0]!r} is refused")
    return text


KINDS: Mapping[str, type] = {
    f"{YAML_TAG}int": int, f"{YAML_TAG}float": float, f"{YAML_TAG}bool": bool,
    f"{YAML_TAG}null": type(None),
}  # fmt: skip


def _scalar(node: ScalarNode) -> object:
    text, tag = _checked(node), str(node.tag)
    if tag == TEXT:
        return text
    if tag != PLAIN and tag not in KINDS:
        raise _foreign(node)
    try:
        value = plain(text)
    except InputError as error:
        raise _refusal(node, error.reason) from None
    if tag in KINDS and type(value) is not KINDS[tag]:
        raise _refusal(node, f"!!{tag.removeprefix(YAML_TAG)} stands before what is none")
    return value


def plain(text: str) -> bool | int | float | str | None:
    """What a word without quotes means."""
    if text in WORDS:
        return WORDS[text]
    if WHOLE.fullmatch(text):
        return _whole(text)
    if NUMBER.fullmatch(text):
        return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _whole(text: str) -> int:
    digits = text.replace("_", "")
    octal = digits.lstrip("+-").startswith("0") and digits.lstrip("+-").isdigit()
    value = int(digits, 8 if octal else 0) if len(digits) < 100 else LARGEST + 1
    if abs(value) > LARGEST:
        raise InputError(f"whole numbers go to {LARGEST}, and this one is beyond")
    return value


def _marked(error: MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    place = str(Place(mark.line + 1, mark.column + 1)) if mark else ""
    return InputError(_fault(str(error.problem or error.context or "not YAML")), place=place)


FAULTS = (  # what YAML's own words for the usual slips mean
    (r"'\\t' that cannot start", "a tab; indent with spaces"),
    (r"character (?P<it>'.') that cannot start", "{it} can't begin a value; put it in quotes"),
    (r"found '<(block|scalar)", "the indentation does not fit that of the lines above"),
    (
        r"mapping values are not allowed",
        "a ':' too many, or none in the line above; or the indentation",
    ),
    (r"could not find expected ':'", "the line above is no key: value"),
    (r"unexpected end of stream", "a quotation mark is not closed"),
    (r"expected ',' or (?P<it>'.')", "a list or mapping is not closed with {it}"),
    (r"expected the node content", "a value is missing, or a bracket is not closed"),
    (r"undefined alias '(?P<it>.*)'", "*{it} is an alias in YAML; put it in quotes"),
    (r"maximum depth", f"it is nested deeper than {MOST_DEPTH}"),
)


def _fault(problem: str) -> str:
    for pattern, text in FAULTS:
        if found := re.search(pattern, problem):
            return text.format_map(found.groupdict())
    return " ".join(problem.split())
