"""`workbench probe`: which networks are probed, on which images, and what is refused."""

import json
from pathlib import Path

import pytest
import timm
from safetensors.torch import save_file
from typer.testing import CliRunner

from tests.support.inline import INLINE
from tests.support.sweeps import quiet, with_small
from tests.train.test_teaching import ONE_HEAD
from workbench.cli import app
from workbench.config import DataConfig
from workbench.errors import InputError
from workbench.models import build
from workbench.plans.file import parse_plan
from workbench.plans.resolution import resolve
from workbench.report.probes import Asked, probes_table
from workbench.runs.kept import load
from workbench.runs.sweep import SweepOptions, run_sweep
from workbench.show.formats import as_data
from workbench.train.saved import save
from workbench.train.teaching.probe import probe

DATA = {"name": "digits", "train_size": 100, "test_size": 50}
ON_DIGITS = [f"recipe.data.{key}={value}" for key, value in DATA.items()]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of one row and two seeds that kept their weights."""
    written = {
        "kind": "list", "name": "kept", "seeds": [0, 1],
        "recipe": {"data": DATA, "epochs": 1, "batch_size": 50},
        "rows": [{"name": "row", "base": "small"}],
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("kept")
    with with_small():
        asked = SweepOptions(jobs=1, device="cpu", where=INLINE, keep_weights=True)
        run_sweep(resolve(parse_plan(written)), folder, asked, quiet())
    return folder


def test_every_run_that_kept_its_weights_is_probed_on_the_images_of_its_training(
    kept: Path,
) -> None:
    done = CliRunner().invoke(app, ["probe", str(kept), "--json", "--device", "cpu"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.output)["rows"]
    own = probe(load(kept, "row", 1), DataConfig.model_validate(DATA))
    assert [(row["network"], row["seed"]) for row in rows] == [("row", 0), ("row", 1)]
    assert (rows[1]["knn"], rows[1]["linear"]) == (own.knn, own.linear)
    assert rows[0]["knn"] != rows[1]["knn"]
    (one,) = as_data(probes_table(Asked(str(kept), seed=1), device="cpu"))["rows"]  # type: ignore[misc]
    assert one == rows[1]


def test_other_images_and_other_neighbours(kept: Path) -> None:
    settings = ["recipe.data.classes=[1,7]"]
    table = probes_table(Asked(str(kept), seed=0), settings, neighbours=3, device="cpu")
    (_, _, _, knn, _) = table.rows[0]
    assert float(str(knn.values[0])) > 60  # of two classes
    assert "digits: 100 training and 50 test images" in table.notes[0]
    assert "3 neighbours" in table.notes[1]


def test_a_file_of_weights_of_timms_sees_its_own_colours(tmp_path: Path) -> None:
    file = tmp_path / "resnet.safetensors"
    network = timm.create_model("test_resnet", num_classes=4)
    save_file(network.state_dict(), file)
    asked = Asked("timm:test_resnet", ("resolution=16",), weights=file)
    table = probes_table(asked, ON_DIGITS, device="cpu")
    assert table.rows[0][2].values == (network.num_features,)


def test_a_saved_network_needs_to_be_told_its_images(tmp_path: Path) -> None:
    folder = str(save(build(ONE_HEAD), tmp_path / "saved"))
    assert len(probes_table(Asked(folder), ON_DIGITS, device="cpu").rows) == 1
    with pytest.raises(InputError, match=r"recipe\.data\.name: missing; the weights do not say"):
        probes_table(Asked(folder))


@pytest.mark.parametrize(
    ("asked", "settings", "said"),
    [
        (Asked("cmt_digits"), (), "--weights: missing; cmt_digits has none of its own"),
        (Asked("results/nowhere"), (), "probe: 'results/nowhere' does not exist"),
        (Asked("cmt_digit"), (), "unknown 'cmt_digit'; nearest: 'cmt_digits'"),
        (Asked("cmt_digits", seed=1), (), "variant: 'cmt_digits' is no folder of results"),
        (Asked("KEPT", variant="rov"), (), "variant: unknown 'rov'; nearest: 'row'"),
        (Asked("KEPT", seed=7), (), "seed: unknown '7'"),
        (Asked("KEPT", ("lpu=none",)), (), "probe: a folder has its own network and weights"),
        (Asked("KEPT"), ["recipe.epochs=3"], r"--set: 'recipe.epochs=3' is refused: write recipe"),
        (Asked("KEPT"), ["recipe.data.train_siz=3"], "recipe.data.train_siz: unknown 'train_siz'"),
        (Asked("KEPT"), ["recipe.data.train_size=10"], "neighbours: 20 is refused: there are 10"),
    ],
)
def test_what_is_refused_is_one_line(
    kept: Path, asked: Asked, settings: list[str], said: str
) -> None:
    if asked.name == "KEPT":
        asked = Asked(str(kept), asked.overrides, asked.weights, asked.variant, asked.seed)
    with pytest.raises(InputError, match=said) as caught:
        probes_table(asked, settings, device="cpu")
    assert "\n" not in str(caught.value)


def test_results_without_weights(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[2] / "results" / "measured" / "quickstart"
    with pytest.raises(InputError, match="no run kept its weights; --keep weights"):
        probes_table(Asked(str(shipped)))
