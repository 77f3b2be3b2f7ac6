"""Errors in a plan file point at the line and column of what is wrong."""

from pathlib import Path

import pytest

from workbench.errors import InputError
from workbench.plans.changes import Changes
from workbench.plans.load import load_plan
from workbench.plans.template import template, write_template

GOOD = """\
# a plan
name: tiny
kind: list
seeds: [0]
recipe: {base: digits, epochs: 1}
base: cmt_digits
rows:
  - {name: all}
  - name: no LPU
    set: {lpu: none}
  - {name: wide, set: [ffn.ratio=6]}
"""

FAULTS = {  # what is replaced, by what, and where the error has to point
    "unknown key": ("seeds:", "seedz:", "line 4, column 1: seedz"),
    "unknown key of a row": (
        "name: no LPU\n    set",
        "name: no LPU\n    sett",
        "line 10, column 5",
    ),
    "bad value": ("seeds: [0]", "seeds: [0, x]", "line 4, column 12: seeds.1"),
    "missing at the top": ("recipe: {base: digits, epochs: 1}\n", "", "line 2, column 1: recipe"),
    "missing in a row": ("{name: all}", "{set: []}", "line 8, column 5: rows.0.name"),
    "unknown recipe": (
        "base: digits",
        "base: digit",
        "line 5, column 16: recipe.base: unknown 'digit'",
    ),
    "unknown recipe key": ("epochs: 1", "epoch: 1", "line 5, column 24: recipe.epoch"),
    "bad recipe value": ("epochs: 1", "epochs: one", "line 5, column 32: recipe.epochs"),
    "unknown kind": ("kind: list", "kind: lisst", "line 3, column 7: kind"),
    "unknown toggle": ("lpu: none", "lppu: none", "line 10, column 11: variant 'no LPU': lppu"),
    "unknown component": ("lpu: none", "lpu: nono", "line 10, column 16: variant 'no LPU': lpu"),
    "unknown option": ("ffn.ratio=6", "ffn.ratioo=6", "line 11, column 24: variant 'wide'"),
    "unknown base": (
        "base: cmt_digits",
        "base: cmt_digit",
        "line 6, column 7: variant 'all': base",
    ),
    "unknown module": ("seeds:", "import: my_mixr\nseeds:", "line 4, column 9: import"),
    "syntax": ("rows:", "rows: [", "line 8, column 3"),
    "key named like a type": (
        "base: digits,",
        "base: digits, int: 1,",
        "line 5, column 24: recipe.int",
    ),
    "key with a bracket": (
        "{name: all}",
        '{name: all, "a[0]": 1}',
        "line 8, column 17: rows.0.a[",
    ),
    "value of a stage": (
        "ffn.ratio=6]}",
        "ffn.ratio=6, 'heads=[1,2,7,8]']}",
        "line 11, column 37: variant 'wide': heads[2]: ",
    ),
    "two rows of a name": ("no LPU", "all", "line 9, column 5: variant 'all': 2 rows"),
    "date": ("epochs: 1", "epochs: 2024-13-45", "line 5, column 32: recipe.epochs: '2024-13-45'"),
    "time": ("epochs: 1", "epochs: 1:30", "line 5, column 32: recipe.epochs: '1:30' is refused"),
    "tag": ("epochs: 1", "epochs: !!int one", "line 5, column 32: !!int stands before"),
    "digits": ("epochs: 1", f"epochs: {5000 * '9'}", "line 5, column 32: whole numbers go to"),
    "list as a key": ("seeds:", "? [a, b]\n: 1\nseeds:", "line 4, column 3: a list"),
    "control character": (
        "name: no LPU",
        'name: "a\\e[31m"',
        "line 9, column 11: the contr",
    ),
    "twice": ("seeds: [0]", "seeds: [0]\nseeds: [1]", "line 5, column 1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_error_points_at_line_and_column(fault: str, tmp_path: Path) -> None:
    good, bad, place = FAULTS[fault]
    assert GOOD.count(good) == 1
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD.replace(good, bad))
    with pytest.raises(InputError) as caught:
        load_plan(file)
    text = str(caught.value)
    assert text.startswith(f"{file}: ")
    assert place in text
    assert "\n" not in text


def test_what_a_command_line_sets_is_not_looked_for_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(GOOD)
    for setting in ("recipe.epochs=x", "lpu=nono", "recipe.nothing=1"):
        with pytest.raises(InputError) as caught:
            load_plan(file, Changes(settings=(setting,)))
        assert "line " not in str(caught.value)


def test_the_template_is_a_plan_and_so_is_all_that_it_comments_out(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    write_template(file)
    plan = load_plan(file)
    assert plan.name == "mine"
    assert len(plan.variants) == 3
    (tmp_path / "my_mixer.py").write_text("")
    offered = [
        line for line in template(file).splitlines() if line.startswith("# ") and ": " in line
    ]
    keys = [
        line for line in offered if line[2:].split(":")[0] in ("recipe", "set", "import", "match")
    ]
    assert len(keys) == 5
    for line in keys:
        key = line[2:].split(":")[0]
        if "path: /data" in line or "download" in line:
            line = line.replace("cifar10_short", "digits").replace("/data/images", str(tmp_path))
            line = line.replace("name: folder", "name: synthetic").replace("download: true", "")
        kept = [old for old in template(file).splitlines() if not old.startswith(f"{key}:")]
        file.write_text("\n".join([*kept, line[2:]]))
        load_plan(file)


def test_new_plan_writes_over_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    with pytest.raises(InputError, match="is there already"):
        write_template(file)
    assert file.read_text() == "mine"
    with pytest.raises(InputError, match=r"\.yaml or \.yml"):
        write_template(tmp_path / "mine.txt")
