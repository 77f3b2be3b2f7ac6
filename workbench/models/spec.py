"""From a zoo name and overrides to a frozen, checked `Spec`.

A network is written as flat settings: `{"depth": [2, 2], "mixer": "lmhsa", "mixer.k": [2, 1]}`. Zoo
entries, plans and the command line all use these keys. A list gives one value per stage, a single
value goes to all stages.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.config import Part, Spec, Stage
from workbench.errors import InputError, nearest, shown, unknown, unknown_key
from workbench.models.components.mixer import MIXERS
from workbench.models.components.position import POSITIONS
from workbench.models.components.stem import STEMS
from workbench.models.layout import layout
from workbench.models.registry import NETWORK_SLOTS, SLOTS, STAGE_SLOTS, lookup, options_of
from workbench.models.zoo import entry
from workbench.parsing import parse
from workbench.plain_yaml import read_value

Settings = Mapping[str, Any]

STAGE_FIELDS = ("depth", "dim", "heads", "stride")
MOST_STAGES = 5
MOST_OPTION = 65_536  # of a component: a kernel, a ratio, a dimension
FAR = 129  # pixels within which resolutions that fit are looked for
NETWORK_FIELDS = ("resolution", "channels", "classes", "drop_path", "dropout")

DEFAULTS: Settings = {  # what an entry that is silent means
    "resolution": 224,
    "channels": 3,
    "classes": 1000,
    "drop_path": 0.0,
    "dropout": 0.0,
    "norm": "ln",
    "conv_norm": "bn",
    "act": "gelu",
    "downsample": "conv",
    "position": "none",
    "lpu": "none",
}


def spec(
    base: str,
    *overrides: str,
    resolution: int | None = None,
    classes: int | None = None,
    drop_path: float | None = None,
    dropout: float | None = None,
) -> Spec:
    """The spec of zoo entry `base` with `overrides` such as `"lpu=none"` or `"mixer.k=[4,2,1,1]"`.

    A bias of attention goes with the mixer that took it: a new `mixer` that takes none has
    position=none in its stages, unless a position is chosen beside it. Raises `InputError` for a
    name, key or value that is unknown, for a field that an override and an argument give
    differently, for an option that no component in its slot has, and for a network that can't be
    built.
    """
    given = {
        "resolution": resolution,
        "classes": classes,
        "drop_path": drop_path,
        "dropout": dropout,
    }
    extra = {key: value for key, value in given.items() if value is not None}
    written = parse_overrides(overrides)
    refuse_beside(written, extra)
    settings = _without_idle_biases(merge(base_settings(base), written), written)
    settings = merge(settings, extra)
    try:
        made = resolve(settings, " ".join([base, *overrides]))
    except InputError as error:
        chosen = "resolution" in {**written, **extra}
        raise _with_resolutions(error, settings) if chosen else error from None
    _refuse_idle(made, overrides)
    return made


def refuse_beside(written: Settings, given: Settings) -> None:
    """Refuses a field that an override and an argument give differently."""
    for key, value in given.items():
        if written.get(key, value) != value:
            where = " (in a plan, the number of its data)" if key == "classes" else ""
            raise InputError(f"{written[key]!r} is refused beside {key}={value!r}{where}", key=key)


def _with_resolutions(error: InputError, settings: Settings) -> InputError:
    """The error about a chosen resolution, with those nearby at which the network fits."""
    side = settings["resolution"]
    if not isinstance(side, int):
        return error
    below = next((n for n in range(side - 1, max(0, side - FAR), -1) if _fits(settings, n)), None)
    above = next((n for n in range(side + 1, side + FAR) if _fits(settings, n)), None)
    found = [str(n) for n in (below, above) if n is not None]
    if not found:
        return error
    kept = error.reason.partition("; nearest")[0] if error.key == "resolution" else error.reason
    return error.but(reason=f"{kept}; resolutions that fit: {', '.join(found)}")


def _fits(settings: Settings, side: int) -> bool:
    try:
        resolve({**settings, "resolution": side}, "")
    except InputError:
        return False
    return True


def _refuse_idle(made: Spec, overrides: Iterable[str]) -> None:
    """Refuses an option without effect, unless a later override replaced its component."""
    keys = [text.partition("=")[0].strip().removesuffix(".stages") for text in overrides]
    for index, key in enumerate(keys):
        slot, _, option = key.partition(".")
        if not option or slot in keys[index:]:
            continue
        places = [made] if slot in NETWORK_SLOTS else made.stages
        parts: list[Part] = [getattr(place, slot) for place in places]
        if not any(option in dict(part.options) for part in parts):
            takers = [name for name in SLOTS[slot] if option in _option_names(slot, [name])]
            raise InputError(
                f"{slot}={parts[-1].name} has no {option!r}; {nearest(slot, takers)}", key=key
            )


def base_settings(name: str) -> Settings:
    """The settings of a zoo entry, those of the entries it builds on included."""
    found = entry(name)
    below = base_settings(found.base) if found.base else DEFAULTS
    return merge(below, found.settings)


def parse_overrides(overrides: Iterable[str]) -> Settings:
    """`["lpu=none", "mixer.k=[4,2,1,1]"]` as settings; values are YAML."""
    settings: dict[str, Any] = {}
    for text in overrides:
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise InputError(f"{text!r} is not KEY=VALUE, such as lpu=none", key="override")
        settings[key.strip()] = read_value(value, key.strip())
    return settings


def merge(below: Settings, above: Settings) -> Settings:
    """`above` laid over `below`.

    Where `above` chooses another component for a slot, the options of `below` that the new
    component has too are kept (a ratio stays the ratio) and the others fall.
    """
    above = {key.removesuffix(".stages"): value for key, value in above.items()}
    result = dict(below)
    for key, value in above.items():
        check_key(key)
        if key in SLOTS:
            allowed = _option_names(key, _names(key, value))
            gone = [
                k for k in result if k.startswith(f"{key}.") and k[len(key) + 1 :] not in allowed
            ]
            for stale in gone:
                del result[stale]
    result.update(above)
    return result


def _without_idle_biases(settings: Settings, chosen: Settings) -> Settings:
    """`settings` with position=none where `chosen` has a mixer that takes no bias and gets one.

    A position that `chosen` names is left as it is: it was asked for, and `layout` refuses it.
    """
    slots = {key.partition(".")[0] for key in chosen}
    if "mixer" not in slots or "position" in slots:
        return settings
    count = _stage_count(settings)
    pairs = zip(*(_of_stages(slot, settings, count) for slot in ("mixer", "position")), strict=True)
    left = [
        "none" if POSITIONS[position].biases and not MIXERS[mixer].takes_bias else position
        for mixer, position in pairs
    ]
    return merge(settings, {"position": left if len(set(left)) > 1 else left[0]})


def _of_stages(slot: str, settings: Settings, count: int) -> list[str]:
    names = _names(slot, settings[slot])
    return names if isinstance(settings[slot], list) else names * count


def check_key(key: str) -> None:
    """Refuses a key that no network has."""
    slot, _, option = key.partition(".")
    if key in SLOTS or key in STAGE_FIELDS or key in NETWORK_FIELDS:
        return
    if slot in SLOTS and option:
        known = _option_names(slot, SLOTS[slot])
        if option not in known:
            raise unknown_key(key, known)
        return
    raise unknown_key(key, [*SLOTS, *STAGE_FIELDS, *NETWORK_FIELDS])


def _names(slot: str, value: object) -> list[str]:
    names = value if isinstance(value, list) else [value]
    for name in names:
        if not isinstance(name, str):
            raise unknown(slot, str(name), SLOTS[slot])
        lookup(slot, name)
    return [str(name) for name in names]


def _option_names(slot: str, names: Iterable[str]) -> set[str]:
    return {field for name in names for field in options_of(slot, name).model_fields}


def resolve(settings: Settings, name: str) -> Spec:
    """The one pure function from settings to a spec; every default and every stage is filled in."""
    count = _stage_count(settings)
    columns = [_column(settings, index) for index in range(count)]
    data: dict[str, Any] = {"name": name}
    data |= {field: settings[field] for field in NETWORK_FIELDS}
    data |= {slot: _part(slot, settings) for slot in NETWORK_SLOTS}
    data["stages"] = tuple(_stage(column, index) for index, column in enumerate(columns))
    result = parse(Spec, data, "")
    layout(result)  # refuses what can't be built
    return result


def _stage_count(settings: Settings) -> int:
    missing = [field for field in STAGE_FIELDS if field not in settings]
    if missing:
        raise InputError("missing", key=missing[0], about="missing")
    lists = {k: v for k, v in settings.items() if isinstance(v, list) and _is_per_stage(k)}
    for key, value in settings.items():
        if isinstance(value, list) and not _is_per_stage(key):
            raise InputError(f"{value} is refused: it is one value for the whole network", key=key)
    counts = {key: len(value) for key, value in lists.items()}
    for key, count in counts.items():
        if not 1 <= count <= MOST_STAGES:
            raise InputError(f"{count} stages are refused; choose from 1 to {MOST_STAGES}", key=key)
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{key} has {n}" for key, n in counts.items())
        raise InputError(f"a list gives one value per stage, but {listed}", key="stages")
    return next(iter(counts.values()), 1)


def _is_per_stage(key: str) -> bool:
    return key in STAGE_FIELDS or key.partition(".")[0] in STAGE_SLOTS


def _column(settings: Settings, index: int) -> dict[str, Any]:
    """The settings of one stage."""
    column = {k: v for k, v in settings.items() if _is_per_stage(k)}
    column = {k: v[index] if isinstance(v, list) else v for k, v in column.items()}
    embeds = STEMS[_names("stem", settings["stem"])[0]].embeds
    if index == 0 and embeds and not isinstance(settings["downsample"], list):
        column["downsample"] = "none"
    return column


def _stage(column: Mapping[str, Any], index: int) -> Stage:
    data = {field: column[field] for field in STAGE_FIELDS}
    data |= {slot: _part(slot, column, index) for slot in STAGE_SLOTS}
    try:
        return parse(Stage, data, "")
    except InputError as error:
        raise error.but(stage=index) from None


def _part(slot: str, settings: Mapping[str, Any], index: int | None = None) -> Part:
    if slot not in settings:
        raise InputError("missing", key=slot, about="missing")
    (name,) = _names(slot, settings[slot])
    model = options_of(slot, name)
    given = ((field, f"{slot}.{field}") for field in model.model_fields)
    options = {field: settings[key] for field, key in given if key in settings}
    try:
        parsed = parse(model, options, slot)
    except InputError as error:
        raise error if index is None else error.but(stage=index) from None
    for field, value in parsed:
        if isinstance(value, int | float) and value > MOST_OPTION:
            raise InputError(
                f"{shown(value)} is refused: it must be at most {MOST_OPTION}",
                key=f"{slot}.{field}",
                stage=index,
            )
    return Part(name=name, options=tuple(parsed))
