"""Components in a module of the user's: found, refused, reloaded, and trained in the workers."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sweeps import quiet, said
from workbench.errors import InputError
from workbench.models import SLOTS
from workbench.plans.changes import Changes
from workbench.plans.load import load_plan
from workbench.report.commands import ablate
from workbench.runs.sweep import SweepOptions
from workbench.user_modules import import_modules

MIXER = '''
"""A mixer of one's own: a depthwise convolution."""

from torch import nn

import workbench as wb
from workbench.models import ops
from workbench.models.components.base import Options
from workbench.models.components.mixer import Mixer


class WideOptions(Options):
    kernel: int = 5


class Wide(Mixer[WideOptions]):
    Options = WideOptions
    spatial = True

    def __init__(self, site, options):
        super().__init__(site, options)
        side = options.kernel
        self.conv = nn.Conv2d(site.dim, site.dim, side, padding=side // 2, groups=site.dim)

    def forward(self, x, bias):
        return self.conv(x)

    @staticmethod
    def ops(site, options):
        yield ops.conv(site.dim, site.dim, options.kernel, site.side, groups=site.dim)


wb.register("mixer", "wide_of_test", Wide)
'''

PLAN = """
name: mine
kind: list
seeds: [0]
import: my_wide_mixer
recipe: {base: digits, epochs: 1, data: {name: synthetic, train_size: 64, test_size: 32}}
rows:
  - {name: LMHSA, base: cmt_digits, set: {position: none}}
  - {name: mine, set: {mixer: wide_of_test, mixer.kernel: 3}}
"""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A path and registries of the test's own; what it imports is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("my_", "mine_")):
            del sys.modules[name]
    SLOTS["mixer"].pop("wide_of_test", None)


@pytest.mark.slow
def test_a_mixer_of_ones_own_is_trained_in_the_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.report.write._draw", lambda *_: [])  # it takes longest
    folder = tmp_path / "study"  # beside the plan, while the command runs elsewhere
    folder.mkdir()
    (folder / "my_wide_mixer.py").write_text(MIXER)
    (folder / "plan.yaml").write_text(PLAN)
    console, options = quiet(), SweepOptions(jobs=1, device="cpu")
    done = ablate(folder / "plan.yaml", results=tmp_path, options=options, console=console)
    assert done.exit_code == 0
    assert {run.status for run in done.runs} == {"completed"}
    assert done.plan.modules == ("my_wide_mixer",)
    spec = done.plan.variants[1].spec
    assert {str(stage.mixer) for stage in spec.stages} == {"wide_of_test(kernel=3)"}
    assert len(list((tmp_path / "mine" / "runs").glob("*/metrics.csv"))) == 2
    again = ablate(folder / "plan.yaml", results=tmp_path, options=options, console=console)
    assert again.trained == 0
    assert "All 2 runs are done" in said(console)

    (folder / "my_wide_mixer.py").write_text(MIXER.replace("kernel: int = 5", "kernel: int = 7"))
    with pytest.raises(InputError, match=r"import: my_wide_mixer of code .* -> of code"):
        ablate(folder / "plan.yaml", results=tmp_path, options=options, console=console)


def test_a_command_may_name_the_module_in_place_of_the_plan(tmp_path: Path) -> None:
    (tmp_path / "my_wide_mixer.py").write_text(MIXER)
    (tmp_path / "plan.yaml").write_text(PLAN.replace("import: my_wide_mixer\n", ""))
    with pytest.raises(InputError, match="unknown 'wide_of_test'"):
        load_plan("plan.yaml")
    plan = load_plan(tmp_path / "plan.yaml", Changes(imports=("my_wide_mixer",)))
    assert plan.modules == ("my_wide_mixer",)


def test_a_module_is_imported_again_only_when_its_code_changed(tmp_path: Path) -> None:
    file = tmp_path / "my_counter.py"
    file.write_text("import sys\nsys.my_count = getattr(sys, 'my_count', 0) + 1\nVALUE = 1\n")
    try:
        first = import_modules(["my_counter", "my_counter"])
        assert import_modules(["my_counter"]) == first
        assert sys.my_count == 1  # type: ignore[attr-defined]
        file.write_text(file.read_text() + "VALUE = 2  # longer, so that no cache stands\n")
        assert import_modules(["my_counter"]) != first
        assert sys.modules["my_counter"].VALUE == 2
    finally:
        del sys.my_count  # type: ignore[attr-defined]


def test_packages_and_modules_within_them_are_found(tmp_path: Path) -> None:
    (tmp_path / "mine_all").mkdir()
    (tmp_path / "mine_all" / "__init__.py").write_text("")
    (tmp_path / "mine_all" / "mixers.py").write_text("HERE = True\n")
    import_modules(["mine_all.mixers"])
    assert sys.modules["mine_all.mixers"].HERE


REFUSED = {
    "my_mixr": r"import: no module 'my_mixr': my_mixr.py is not in /.*nearest: 'my_mixer",
    "zzz.zzz": r"'zzz.zzz': zzz/zzz.py is not in /.*installed; to write one, see docs/your_comp",
    "my_mixer.py": r"import: no module 'my_mixer.py'",
    "../my_mixer": r"import: '../my_mixer' is refused",
    "json": r"import: 'json' is .*, not .*json; give yours another name",
    "my_broken": r"import: my_broken: NameError: .*nowhere.* \(my_broken.py, line 3\)",
    "my_wrong": r"import: my_wrong: slot: unknown 'mixr'; nearest: 'mixer",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_imported_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "my_mixer.py").write_text("")
    (tmp_path / "json.py").write_text("")
    (tmp_path / "my_broken.py").write_text("\n\nnowhere\n")
    (tmp_path / "my_wrong.py").write_text(
        "import workbench as wb\nwb.register('mixr', 'x', object)\n"
    )
    with pytest.raises(InputError, match=REFUSED[name]) as caught:
        import_modules([name])
    assert "\n" not in str(caught.value)
