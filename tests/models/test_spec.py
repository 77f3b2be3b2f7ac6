"""Specs: overrides, per-stage lists, inheritance of options, refusals."""

import pytest

from workbench import spec
from workbench.config import Spec
from workbench.errors import InputError
from workbench.models import ZOO, fingerprint


@pytest.mark.parametrize("name", ZOO)
def test_every_zoo_entry_resolves_and_says_where_it_comes_from(name: str) -> None:
    assert spec(name).stages
    assert ZOO[name].source


def test_a_list_gives_one_value_per_stage_and_a_single_value_goes_to_all() -> None:
    found = spec("cmt_s", "mixer.k=[4,2,1,1]", "ffn.ratio=2")
    assert [dict(stage.mixer.options)["k"] for stage in found.stages] == [4, 2, 1, 1]
    assert [dict(stage.ffn.options)["ratio"] for stage in found.stages] == [2, 2, 2, 2]


def test_components_can_differ_by_stage() -> None:
    for key in ("ffn", "ffn.stages"):
        found = spec("cmt_s", f"{key}=[irffn,irffn,mlp,mlp]")
        assert [stage.ffn.name for stage in found.stages] == ["irffn", "irffn", "mlp", "mlp"]


def test_an_option_falls_with_the_component_that_a_later_override_replaces() -> None:
    found = spec("cmt_s", "ffn.shortcut=whole", "ffn=mlp")
    assert found.identity == spec("cmt_s", "ffn=mlp").identity


def test_an_option_may_be_that_of_one_stage_alone() -> None:
    found = spec("cmt_s", "ffn=[irffn,irffn,mlp,mlp]", "ffn.shortcut=whole")
    assert dict(found.stages[1].ffn.options)["shortcut"] == "whole"


def test_another_component_keeps_the_options_it_shares_and_drops_the_rest() -> None:
    found = spec("cmt_ti", "ffn=mlp")
    assert dict(found.stages[0].ffn.options) == {"ratio": 3.6}


def test_an_embedding_stem_takes_the_whole_stride_of_the_first_stage() -> None:
    found = spec("cmt_s", "stem=patchify")
    assert found.stages[0].downsample.name == "none"
    assert [stage.downsample.name for stage in found.stages[1:]] == ["conv"] * 3


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_stage_count_is_the_length_of_the_lists(count: int) -> None:
    lists = [f"{key}={[value] * count}" for key, value in (("depth", 1), ("dim", 8), ("heads", 2))]
    found = spec("cmt_s", *lists, f"stride={[2] * count}", "mixer.k=1", "resolution=32")
    assert len(found.stages) == count


def test_keyword_fields_read_like_overrides() -> None:
    by_keyword = spec("cmt_s", resolution=192, drop_path=0.0, classes=10, dropout=0.1)
    overrides = ("resolution=192", "drop_path=0.0", "classes=10", "dropout=0.1")
    assert by_keyword.flat() == spec("cmt_s", *overrides).flat()


def test_a_field_given_twice_is_given_alike() -> None:
    assert spec("cmt_s", "resolution=192", resolution=192).resolution == 192
    with pytest.raises(InputError, match="resolution: 160 is refused beside resolution=192"):
        spec("cmt_s", "resolution=160", resolution=192)
    with pytest.raises(InputError, match=r"classes: 20 .* classes=10 .*data"):
        spec("cmt_s", "classes=20", classes=10)


def test_the_identity_leaves_the_name_out_and_takes_everything_else_in() -> None:
    assert spec("cmt_s", "lpu=dwconv").identity == spec("cmt_s").identity
    assert spec("cmt_s", "lpu=none").identity != spec("cmt_s").identity


def test_a_spec_survives_a_round_trip_through_json() -> None:
    found = spec("cmt_s", "lpu=none")
    assert Spec.model_validate_json(found.model_dump_json()) == found


def test_a_spec_is_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        spec("cmt_s").resolution = 1  # type: ignore[misc]


CHANGES = [
    "lpu=none",
    "lpu.shortcut=false",
    "ffn=mlp",
    "ffn.ratio=3",
    "ffn.shortcut=whole",
    "ffn.shortcut=none",
    "mixer.k=[4,4,2,1]",
    "mixer.qkv_bias=false",
    "position=none",
    "position=absolute",
    "position.per=block",
    "position.std=0.5",
    "norm=bn",
    "conv_norm=ln",
    "act=silu",
    "head=gap",
    "head.dim=640",
    "stem=patchify",
    "stem.dim=16",
    "drop_path=0.2",
    "dropout=0.2",
    "heads=[2,2,4,8]",
    "depth=[3,3,15,3]",
    "resolution=256",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_toggle_changes_the_network(change: str) -> None:
    assert fingerprint(spec("cmt_s", change)) != fingerprint(spec("cmt_s"))


@pytest.mark.parametrize("base", ["deit_s", "cmt_s position=none", "volo_d1", "levit_128s"])
def test_heads_change_the_network_where_no_table_has_them(base: str) -> None:
    name, *overrides = base.split()
    heads = [2 * stage.heads for stage in spec(name).stages]
    before = spec(name, *overrides)
    assert fingerprint(spec(name, *overrides, f"heads={heads}")) != fingerprint(before)


@pytest.mark.parametrize(
    ("base", "idle"),
    [
        ("cmt_s depth=1", "position.per=block"),
        ("cmt_s depth=1 position=attention_bias", "position.per=stage"),
        ("cmt_s downsample.norm=false", "downsample.eps=0.1"),
        ("cmt_s mixer=identity position=none", "heads=[2,2,4,8]"),
    ],
)
def test_what_has_no_effect_there_leaves_the_fingerprint(base: str, idle: str) -> None:
    name, *overrides = base.split()
    assert fingerprint(spec(name, *overrides, idle)) == fingerprint(spec(name, *overrides))


@pytest.mark.parametrize("same", ["lpu=dwconv", "mixer.k=[8,4,2,1]", "depth=[3,3,16,3]"])
def test_what_changes_no_module_leaves_the_fingerprint(same: str) -> None:
    assert fingerprint(spec("cmt_s", same)) == fingerprint(spec("cmt_s"))


REFUSED = {
    "cmt_x": ("model", "cmt_x", "cmt_xs"),
    "cmt_s lppu=none": ("lppu", "lpu"),
    "cmt_s lpu=none lpu.shortcut=false": ("lpu.shortcut", "lpu=none", "dwconv"),
    "cmt_s ffn=mlp ffn.shortcut=whole": ("ffn.shortcut", "ffn=mlp", "irffn"),
    "cmt_s head=gap head.dim=3": ("head.dim", "head=gap", "projection"),
    "deit_s downsample.norm=false": ("downsample.norm", "downsample=none", "conv"),
    "cmt_s lpu=dwcnv": ("lpu", "dwcnv", "dwconv"),
    "cmt_s mixer.kk=2": ("mixer.kk", "kk", "k"),
    "cmt_s depth=three": ("depth[0]", "three", "a whole number"),
    "cmt_s depth=[1,2,3,-1]": ("depth[3]", "-1", "at least 1"),
    "cmt_s mixer.k=0": ("mixer.k[0]", "0", "at least 1"),
    "cmt_s mixer.k=-1": ("mixer.k[0]", "-1", "at least 1"),
    "cmt_s mixer.k=true": ("mixer.k[0]", "True", "a whole number"),
    "cmt_s heads=[1,2,5,8]": ("heads[2]", "5", "nearest: 4"),
    "cmt_s resolution=225": ("resolution", "225", "fit: 224, 256"),
    "cmt_s resolution=200 mixer.k=1": ("resolution", "200", "fit: 192, 224"),
    "cmt_s heads=[1,2,3,8]": ("heads[2]", "3", "nearest: 2, 4"),
    "cmt_s resolution=200": ("mixer.k[0]", "nearest: 10; resolutions that fit: 192, 224"),
    "cmt_s resolution=200 lpu=nono": ("lpu: unknown 'nono'; nearest: 'none'",),
    "cmt_s mixer=wide": ("mixer: unknown 'wide'; choose from:", "--import MODULE"),
    "cmt_s mixer.k=[5,4,2,1]": ("mixer.k[0]", "5", "nearest: 4"),
    "cmt_s depth=[1,2]": ("stages", "depth has 2", "dim has 4"),
    "cmt_s drop_path=1.5": ("drop_path", "1.5", "less than 1"),
    "cmt_s lpu": ("override", "lpu", "KEY=VALUE"),
    "cmt_s norm=null": ("norm", "None", "none"),
    "cmt_s ffn.ratio=abc": ("ffn.ratio[0]", "abc", "number"),
    "cmt_s stem=[cmt,cmt]": ("stem", "cmt", "whole network"),
    "cmt_s head=class_token": ("class_token", "gap"),
    "deit_s lpu=dwconv": ("lpu", "dwconv", "gap"),
    "deit_s mixer.k=2": ("mixer.k[0]", "2", "map"),
    "cmt_s downsample=none": ("downsample", "none", "conv"),
    "cmt_s stem.stride=3": ("stem.stride", "3", "4"),
    "cmt_s depth=[1,1,1,1,1,1]": ("depth", "6", "5"),
    "cmt_s act=[": ("act: '[' is refused: a value is missing",),
}


@pytest.mark.parametrize("words", REFUSED, ids=str)
def test_bad_input_is_one_line_with_key_value_and_nearest(words: str) -> None:
    base, *overrides = words.split()
    with pytest.raises(InputError) as caught:
        spec(base, *overrides)
    message = str(caught.value)
    assert "\n" not in message
    for part in REFUSED[words]:
        assert part in message
