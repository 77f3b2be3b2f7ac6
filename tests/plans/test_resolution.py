"""From a plan file to rows and runs, and everything that is refused on the way."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.checks import refused
from tests.support.sweeps import PATH, plan, plan_file
from workbench.cost import cost
from workbench.plans.changes import Changes
from workbench.plans.file import find_plan, parse_plan, read_plan
from workbench.plans.kinds import KINDS
from workbench.plans.resolution import Plan, resolve
from workbench.plans.shipped import named_plans

# ---------------------------------------------------------------- kinds


def test_additive_rows_build_on_the_row_before() -> None:
    path = plan()
    assert [variant.compared_to for variant in path.variants] == [None, "small", "large"]
    assert [variant.base for variant in path.variants] == ["small", "large", "large"]
    assert path.variants[2].overrides == ("lpu=none", "lpu=dwconv")
    assert [variant.spec.stages[0].lpu.name for variant in path.variants] == [
        "dwconv",
        "none",
        "dwconv",
    ]
    assert [variant.changed for variant in path.variants] == [
        "small",
        "large, lpu=none",
        "lpu=dwconv",
    ]
    known = cost(path.variants[1].spec)
    assert (path.variants[1].params, path.variants[1].macs) == (known.params, known.macs)


def test_a_base_of_its_own_begins_afresh() -> None:
    rows = [{"name": "a", "base": "small", "set": "lpu=none"}, {"name": "b", "base": "large"}]
    assert plan(rows=rows).variants[1].overrides == ()


def test_list_rows_build_on_the_first_and_compare_to_it() -> None:
    rows = [
        {"name": "as published", "set": {"dim": 12}},
        {"name": "none", "set": ["lpu=none"]},
        {"name": "plain", "set": ["lpu.shortcut=false"]},
    ]
    listed = plan(kind="list", base="large", rows=rows)
    assert [variant.compared_to for variant in listed.variants] == [None, *["as published"] * 2]
    assert listed.variants[2].overrides == ("dim=12", "lpu.shortcut=false")


def test_one_factor_takes_every_component_of_the_slot_but_the_one_there_is() -> None:
    found = resolve(parse_plan(one_factor(factor="lpu")))
    assert [variant.name for variant in found.variants] == ["baseline", "lpu=none"]
    assert {variant.compared_to for variant in found.variants[1:]} == {"baseline"}


def test_one_factor_takes_listed_values() -> None:
    found = resolve(parse_plan(one_factor(factor="dim", values=[4, 8, 16])))
    assert [variant.name for variant in found.variants] == ["baseline", "dim=4", "dim=16"]


def one_factor(**fields: Any) -> dict[str, Any]:
    return {"kind": "one_factor", "name": "f", "recipe": "digits", "base": "small", **fields}


def test_leave_one_out_takes_each_part_out_of_the_whole() -> None:
    found = resolve(parse_plan(leave_one_out()))
    assert [variant.name for variant in found.variants] == ["all", "without LPU", "without width"]
    assert {variant.compared_to for variant in found.variants[1:]} == {"all"}
    assert found.variants[2].overrides == ("dim=4",)


def leave_one_out() -> dict[str, Any]:
    toggles = {"LPU": ["lpu=none"], "width": {"dim": 4}}
    return {
        "kind": "leave_one_out",
        "name": "l",
        "recipe": "digits",
        "base": "small",
        "toggles": toggles,
    }


def test_a_row_is_compared_to_the_rows_it_names() -> None:
    rows: list[dict[str, Any]] = [
        {"name": "a", "set": {"dim": 12}},
        {"name": "b", "set": ["lpu=none"]},
        {"name": "c", "set": ["lpu.shortcut=false"], "against": ["a", "b"]},
    ]
    listed = plan(kind="list", base="large", rows=rows)
    assert [variant.contrasts for variant in listed.variants] == [(), ("a",), ("a", "b")]
    assert Plan.model_validate_json(listed.model_dump_json()) == listed
    for wrong, part in (
        ("d", "unknown 'd'; choose from: a, b"),
        ("c", "unknown 'c'"),
        (["a", "a"], "2 times"),
    ):
        rows[2]["against"] = wrong
        refused(lambda: plan(kind="list", base="large", rows=rows), "against: ", part)


def test_rows_that_a_kind_makes_are_compared_by_name() -> None:
    written = one_factor(factor="lpu") | {"against": {"baseline": "lpu=none"}}
    found = resolve(parse_plan(written))
    assert [row.contrasts for row in found.variants] == [("lpu=none",), ("baseline",)]
    refused(lambda: resolve(parse_plan(written | {"against": {"lpu=nil": "x"}})), "'lpu=none'")


def test_every_kind_names_itself() -> None:
    assert all(name == kind.__module__.rsplit(".", 1)[1] for name, kind in KINDS.items())


# ---------------------------------------------------------------- runs


@given(
    count=st.integers(1, 6),
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=5, unique=True),
)
@settings(max_examples=10)  # each builds networks
def test_runs_are_variants_times_seeds_each_once_and_always_the_same(
    count: int, seeds: list[int]
) -> None:
    rows = [
        {"name": f"v{index}", "base": "small", "set": {"dim": index + 1}} for index in range(count)
    ]
    first, again = (plan(rows=rows, seeds=seeds).runs() for _ in range(2))
    assert [run.id for run in first] == [run.id for run in again]
    assert len({run.id for run in first}) == count * len(seeds)
    assert [run.seed for run in first] == [seed for seed in seeds for _ in range(count)]
    assert [run.variant for run in first[:count]] == [f"v{index}" for index in range(count)]


def test_plan_survives_json() -> None:
    assert Plan.model_validate_json(plan().model_dump_json()) == plan()


def test_only_picks_rows() -> None:
    assert {run.variant for run in plan().runs(["large"])} == {"large"}
    refused(lambda: plan().runs(["larg"]), "only: unknown 'larg'", "nearest: 'large")


def test_changes_go_to_name_seeds_recipe_and_rows() -> None:
    changes = Changes("other", (5, 7), ("recipe.epochs=9", "heads=2"))
    changed = plan(changes)
    assert (changed.name, changed.seeds, changed.recipe.epochs) == ("other", (5, 7), 9)
    assert {variant.spec.stages[0].heads for variant in changed.variants} == {2}
    assert plan().recipe.epochs == 3


def test_classes_follow_the_data() -> None:
    assert {variant.spec.classes for variant in plan().variants} == {10}


# ---------------------------------------------------------------- refused

TWICE = [{"name": "a", "base": "small"}, {"name": "a", "base": "large"}]
SAME = [{"name": "a", "base": "small"}, {"name": "b", "set": {"heads": 2}}]
NO_CHANGE = [{"name": "a", "base": "small"}, {"name": "b"}]
BACK = [
    {"name": "a", "base": "small"},
    {"name": "b", "set": {"lpu": "none"}},
    {"name": "c", "set": {"lpu": "dwconv"}},
]


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"rows": TWICE}, ["variant 'a': 2 rows have this name"]),
        ({"rows": []}, ["rows: there is no variant"]),
        ({"seeds": [0, 1, 0]}, ["seeds: 0 stands there 2 times"]),
        ({"seeds": []}, ["seeds: there is none"]),
        ({"seeds": 0}, ["seeds: there is none"]),
        ({"seeds": -1}, ["seeds"]),
        ({"seeds": [0, -1]}, ["seeds.1: -1 is refused"]),
        ({"seeds": True}, ["seeds: True is refused"]),
        ({"seeds": [1.5]}, ["seeds.0: 1.5 is refused"]),
        ({"rows": SAME}, ["variant 'b'", "the same as that of 'a'", "heads=2"]),
        ({"rows": NO_CHANGE}, ["variant 'b'", "changes nothing"]),
        ({"rows": BACK}, ["variant 'c'", "the same as that of 'a'"]),
        ({"sede": 3}, ["unknown 'sede'", "nearest: 'seeds"]),
        ({"rows": [{"name": "a", "bass": "small"}]}, ["rows.0.bass", "nearest: 'base"]),
        ({"rows": [{"base": "small"}]}, ["rows.0.name: missing"]),
        ({"rows": [{"name": "a"}]}, ["variant 'a': base: missing"]),
        ({"rows": [{"name": "a", "base": "smal"}]}, ["variant 'a'", "nearest: 'small"]),
        (
            {"rows": [{"name": "a", "base": "small", "set": "dims=4"}]},
            ["variant 'a'", "nearest: 'dim"],
        ),
        ({"recipe": {"epoch": 3}}, ["recipe.epoch", "nearest: 'epochs"]),
        ({"recipe": {"augment": {"crop_padding": 8}}}, ["augment.crop_padding: 8"]),
        ({"kind": "aditive"}, ["kind: unknown 'aditive'", "nearest: 'additive"]),
        (
            {"rows": [{"name": "a", "base": "small", "published": "cmt_ablation/+ LPUU"}]},
            ["variant 'a': published: cmt_ablation: unknown '+ LPUU'; nearest: '+ LPU"],
        ),
        ({"published": ["cmt_ablatoin"]}, ["published: unknown", "nearest: 'cmt_ablation"]),
        ({"name": "a/b"}, ["name: 'a/b' is refused"]),
        ({"name": "measured"}, ["name: 'measured' is refused"]),
        ({1: 2}, ["key: 1 is refused"]),
    ],
)
def test_refused(fields: dict[Any, Any], parts: list[str]) -> None:
    refused(lambda: resolve(parse_plan({**PATH, **fields})), *parts)


def test_seeds_from_the_command_line_are_checked_too() -> None:
    refused(lambda: plan(Changes(seeds=(1, 1))), "seeds: 1 stands there 2 times")
    refused(lambda: plan(Changes(seeds=(-1,))), "seeds: -1 is refused")


def test_one_factor_refuses_a_value_twice_and_a_field_without_values() -> None:
    twice = one_factor(factor="dim", values=[4, 4])
    refused(lambda: resolve(parse_plan(twice)), "values: '4' stands there 2 times")
    refused(lambda: resolve(parse_plan(one_factor(factor="lpuu"))), "nearest: 'lpu")


def test_one_factor_refuses_another_spec_of_the_same_network() -> None:
    same = one_factor(factor="heads", values=[2])
    refused(lambda: resolve(parse_plan(same)), "the same as that of 'baseline'")


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("name: a\nrows: [1, 2\nseeds: 3\n", ["line 3, column 6"]),
        ("name: a\n\tkind: list\n", ["line 2, column 1: a tab; indent with spaces"]),
        ("rows:\n  - a: 1\n - b: 2\n", ["line 3, column 2: the indentation does not fit"]),
        ("name: a: b\n", ["line 1, column 8: a ':' too many"]),
        ("kind: list\nname\nseeds: 3\n", ["line 3, column 1: the line above is no key: value"]),
        ('name: "a\n', ["a quotation mark is not closed"]),
        ("name: {a: 1\n", ["is not closed with '}'"]),
        ("name: *a\n", ["line 1, column 7: *a is an alias in YAML; put it in quotes"]),
        ("name: @a\n", ["line 1, column 7: '@' can't begin a value; put it in quotes"]),
        ("name: !a b\n", ["line 1, column 7: '!a' is a tag in YAML"]),
        ("kind: list\nname: a\nrecipe: 3\n", ["line 3, column 9: recipe: 3 is refused"]),
        ("kind: list\nname: a\nseeds: three\n", ["seeds: 'three' is refused: it must be a list"]),
        ("kind: scaling_study\n", ["is a study; run it with: workbench study "]),
        ("name: a\nseeds: 1\nseeds: 2\n", ["line 3, column 1", "'seeds' stands there twice"]),
        ("- a\n- b\n", ["not a plan"]),
        ("", ["not a plan"]),
        ("name: a\n", ["kind: missing", "additive"]),
        ("name: !!python/object/apply:os.system ['true']\n", ["line 1"]),
        ("a: \x00b\n", ["not YAML"]),
        ("[" * 100_000, ["line 1, column 31: it is nested deeper than 30"]),
    ],
)
def test_file_that_is_no_plan_is_one_line(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    refused(lambda: read_plan(path), str(path), *parts)


def test_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"name: \xff\xfe")
    refused(lambda: read_plan(binary), "not UTF-8")
    refused(lambda: read_plan(tmp_path), "is a directory".capitalize())
    refused(lambda: read_plan(tmp_path / "no.yaml"), "does not exist")


def test_bare_name_is_looked_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ablations").mkdir()
    (tmp_path / "ablations" / "my_plan.yaml").touch()
    monkeypatch.chdir(tmp_path)
    assert find_plan("my_plan") == Path("ablations/my_plan.yaml")
    refused(lambda: find_plan("my_pln"), "plan: unknown 'my_pln'", "nearest: 'my_plan")
    (tmp_path / "beside.yml").touch()
    assert find_plan("beside") == Path("beside.yml")


def test_plans_and_studies_are_named_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ablations").mkdir()
    (tmp_path / "ablations" / "mine.yaml").write_text("name: mine\nkind: scaling_study\n")
    (tmp_path / "ablations" / "quickstart.yaml").write_text("kind: list\n")
    monkeypatch.chdir(tmp_path)
    assert {"quickstart", "norm"} <= set(named_plans())
    assert set(named_plans(study=True)) == {"mine", "scaling_study"}
    assert named_plans()["quickstart"] == Path("ablations/quickstart.yaml")
    refused(lambda: find_plan("zzzz"), "plan: unknown 'zzzz'; choose from: ", "quickstart")
    refused(lambda: find_plan("zzzz", study=True), "study: unknown", "from: mine, scaling_study")
    refused(lambda: read_plan("mine"), "is a study; run it with: workbench study mine")


def test_written_overrides_may_be_a_mapping_a_list_or_one() -> None:
    rows = [
        {"name": "a", "base": "small", "set": {"dim": 4, "lpu": "none"}},
        {"name": "b", "base": "small", "set": ["dim=4", "lpu=dwconv"]},
        {"name": "c", "base": "small", "set": "dim=5"},
    ]
    found = [row.overrides for row in plan_file(rows=rows).choices()]
    assert found == [("dim=4", "lpu=none"), ("dim=4", "lpu=dwconv"), ("dim=5",)]


def test_published_numbers_are_not_for_other_data_under_another_name() -> None:
    rows = [{"name": "a", "base": "small", "published": "cmt_ablation/+ LPU"}]
    file = plan_file(rows=rows, published=["cmt_ablation"], classes=10)
    other = "recipe.data.name=cifar10"
    for changes, kept in (
        (Changes(), True),
        (Changes(name="mine"), True),
        (Changes(settings=(other,)), True),
        (Changes(name="mine", settings=(other,)), False),
    ):
        found = resolve(file, changes, costs_only=True)
        assert bool(found.published) is bool(found.variants[0].published) is kept
