"""Token labelling against sums written out, and against crops made pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.train.test_start import TABLES
from tests.train.test_teaching import ONE_HEAD, SMALL
from workbench import models
from workbench.config import Augment, DataConfig, Outcome, RunConfig, Spec
from workbench.data import describe
from workbench.data.transforms import Cuts, Normalise, TrainTransform
from workbench.errors import InputError
from workbench.models import build
from workbench.models.network import Box, exchange
from workbench.models.ops import Size
from workbench.train.fit import fit
from workbench.train.parts import build_parts
from workbench.train.recipes import recipe
from workbench.train.saved import save
from workbench.train.teaching.make import check_teaching
from workbench.train.teaching.teacher import TrainedTeacher
from workbench.train.teaching.tokens import draw_box, token_loss, token_targets
from workbench.train.teaching.weights import pin

NOT_DENSE = models.spec(
    "columnar_digits", *SMALL, "head=class_attention", "head.dense=false", classes=10
)


def _entropy(logits: Tensor, target: Tensor) -> float:
    """Of one prediction."""
    chances = np.exp(logits.double().numpy())
    return float(-(target.double().numpy() * np.log(chances / chances.sum())).sum())


@pytest.mark.parametrize("box", [Box(0, 0, 0, 0), Box(1, 0, 3, 2), Box(0, 0, 3, 4)])
def test_the_loss_is_the_authors_sum(box: Box) -> None:
    logits, dense = torch.randn(4, 5), torch.randn(4, 5, 3, 4)
    image, positions = torch.randn(4, 5).softmax(1), torch.randn(4, 5, 3, 4).softmax(1)
    lam = 1 - (box.bottom - box.top) * (box.right - box.left) / 12
    expected = 0.0
    for one in range(4):
        mixed = lam * image[one] + (1 - lam) * image[3 - one]
        expected += _entropy(logits[one], mixed) / 4
        for row in range(3):
            for column in range(4):
                at = _entropy(dense[one, :, row, column], positions[one, :, row, column])
                expected += 0.5 * at / 48
    found = token_loss(logits, dense, image, positions, box, 0.5)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_mix_token_exchanges_behind_the_stem_and_back() -> None:
    network = build(models.spec(
        "columnar_digits", *(each for each in SMALL if "stride" not in each), "stride=2",
        "stem=cmt", "stem.stride=1", "head=class_attention", classes=10,
    )).eval()  # fmt: skip
    images, box = torch.randn(3, 3, 8, 8), Box(1, 0, 3, 2)
    stem = network.stem(images)
    assert network.map_size(images) == (4, 4)
    assert stem.shape[2:] == (8, 8)
    mixed = stem.clone()
    for row in range(2, 6):
        for column in range(4):
            mixed[:, :, row, column] = stem[[2, 1, 0], :, row, column]
    with torch.no_grad():
        token, dense = network.parts(images, box)
        (last,) = (network.stages[0](mixed),)
        expected = network.head.parts(last)
    torch.testing.assert_close(token, expected[0])
    torch.testing.assert_close(dense, expected[1])
    torch.testing.assert_close(exchange(exchange(dense, box), box), dense)


def test_boxes_are_within_the_map_and_take_their_share() -> None:
    size, shares = Size(14, 10), []
    for seed in range(400):
        generator = np.random.default_rng(seed)
        box = draw_box(size, generator)
        assert 0 <= box.top <= box.bottom <= 14
        assert 0 <= box.left <= box.right <= 10
        again = np.random.default_rng(seed)
        cut = np.sqrt(1.0 - again.beta(1.0, 1.0))  # as `rand_bbox` of the authors has it
        (y, x), (h, w) = again.integers([14, 10]), (int(14 * cut), int(10 * cut))
        assert (box.top, box.bottom) == (max(y - h // 2, 0), min(y + h // 2, 14))
        assert (box.left, box.right) == (max(x - w // 2, 0), min(x + w // 2, 10))
        shares.append(box.area / 140)
    assert 0.2 < np.mean(shares) < 0.4  # half less what the edges cut off


def test_targets_of_whole_images_are_the_scores() -> None:
    scores = torch.randn(2, 5, 4, 4)
    whole = Cuts(np.tile([0.0, 0.0, 1.0, 1.0], (2, 1)), np.array([False, True]))
    found = token_targets(scores, whole, Size(4, 4))
    expected = scores.softmax(1)
    torch.testing.assert_close(found.positions[0], expected[0])
    torch.testing.assert_close(found.positions[1], expected[1].flip(2))
    torch.testing.assert_close(found.image, scores.mean((2, 3)).softmax(1))


def test_targets_of_crops_are_those_of_the_pixels_cut() -> None:
    """Scores that are linear in the place are, after a crop, linear in the place in the crop."""
    across = torch.arange(8.0).expand(1, 1, 8, 8)
    scores = torch.cat((across, across.transpose(2, 3), torch.zeros(1, 1, 8, 8)), 1)
    cut = Cuts(np.array([[0.25, 0.5, 0.75, 1.0]]), np.array([False]))
    found = token_targets(scores, cut, Size(2, 2)).positions.log()
    logits = found - found[:, 2:]
    # The crop has columns 2 to 5 and rows 4 to 7; a target has the mean of two of each.
    torch.testing.assert_close(logits[0, 0], torch.tensor([[2.5, 4.5], [2.5, 4.5]]))
    torch.testing.assert_close(logits[0, 1], torch.tensor([[4.5, 4.5], [6.5, 6.5]]))


@pytest.mark.parametrize(
    "augment",
    [Augment(crop_padding=2, hflip=0.5), Augment(random_resized_crop=True, hflip=0.5)],
    ids=["padding", "resized crop"],
)
def test_cuts_are_what_the_batch_shows(augment: Augment) -> None:
    info, side = describe(DataConfig(name="synthetic")), 32
    normalise = Normalise(info, torch.device("cpu"))
    transform = TrainTransform(augment, info, normalise, 7, crops=augment.random_resized_crop)
    ramp = torch.arange(side, dtype=torch.uint8) * 7
    places = torch.stack([ramp.expand(side, side), ramp[:, None].expand(side, side)], -1)
    pixels = torch.cat([places, places[..., :1]], -1).expand(16, -1, -1, -1).contiguous()
    images, _ = transform(pixels, torch.zeros(16, dtype=torch.int64), 1, 2)
    cuts = transform.cuts(16, side, 1, 2)
    std, mean = (torch.tensor(each).view(3, 1, 1) for each in (info.std, info.mean))
    shown = (images * std + mean) * 255 / 7  # the column and the row that each pixel came from
    assert set(cuts.mirrored) == {True, False}
    for image, (left, top, right, bottom), mirrored in zip(shown, *cuts, strict=True):
        image = image.flip(2) if mirrored else image
        x = torch.from_numpy(np.linspace(left, right, 2 * side + 1)[1::2]) * side - 0.5
        y = torch.from_numpy(np.linspace(top, bottom, 2 * side + 1)[1::2]) * side - 0.5
        inside = [(each > 1) & (each < side - 2) for each in (x, y)]
        assert (image[0, side // 2, inside[0]] - x[inside[0]]).abs().max() < 0.3
        assert (image[1, inside[1], side // 2] - y[inside[1]]).abs().max() < 0.3


# ---------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def annotator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(build(ONE_HEAD, seed=5), tmp_path_factory.mktemp("annotator") / "saved")


def _run(spec: Spec, *overrides: str) -> RunConfig:
    made = recipe(
        {"data": {"name": "digits", "train_size": 40, "test_size": 30}, "batch_size": 16},
        "epochs=2", "augment.crop_padding=1", "augment.hflip=0.5", "teacher.kind=tokens",
        *overrides,
    )  # fmt: skip
    return RunConfig(variant="tiny", spec=spec, recipe=pin(made), seed=3)


def test_a_run_with_token_labels_goes_on_bit_for_bit(tmp_path: Path, annotator: Path) -> None:
    run = _run(TABLES, f"teacher.weights={annotator}")
    whole = fit(run, tmp_path / "whole", lambda _: None, "cpu")
    asked = iter([False] * 3 + [True] * 9)
    stopped = fit(run, tmp_path / "parts", lambda _: None, "cpu", lambda: next(asked))
    assert stopped.outcome is Outcome.INTERRUPTED
    parts = fit(run, tmp_path / "parts", lambda _: None, "cpu")
    assert (parts.test_loss, parts.top1) == (whole.test_loss, whole.top1)


def test_an_annotator_is_as_precise_as_the_student(tmp_path: Path, annotator: Path) -> None:
    whole, half = (
        build_parts(run, torch.device("cpu"))
        for precision in ("32", "bf16")
        for run in [_run(TABLES, f"teacher.weights={annotator}", f"precision='{precision}'")]
    )
    scores = [made.objective._scores for made in (whole, half)]  # type: ignore[union-attr]
    assert not torch.equal(*scores)
    torch.testing.assert_close(*scores, rtol=0.05, atol=0.05)
    run = _run(TABLES, f"teacher.weights={annotator}", "precision=bf16")
    result = fit(run, tmp_path, lambda _: None, "cpu", parts=lambda _run, _device: half)
    assert result.outcome is Outcome.COMPLETED


def test_what_an_annotator_says_of_each_position(annotator: Path) -> None:
    network = build(ONE_HEAD, seed=5).eval()
    info = describe(DataConfig(name="digits"))
    images = torch.randn(2, 3, 8, 8)
    dense = TrainedTeacher(network, None, info).dense(images)  # type: ignore[arg-type]
    last = network.features(images)[-1]
    assert dense.shape == (2, 10, *last.shape[2:])
    alone = last[1:, :, 1:2, 2:3]
    torch.testing.assert_close(dense[1, :, 1, 2], network.head(alone)[0])


@pytest.mark.parametrize(
    ("spec", "override", "said"),
    [
        (ONE_HEAD, "epochs=1", "kind: tokens need .* head=gap has none; set head=class_attention"),
        (NOT_DENSE, "epochs=1", "recipe.teacher.kind: .* has none; set head.dense=true"),
        (TABLES, "augment.mixup=0.8", "recipe.augment.mixup: 0.8 can't stand beside"),
        (TABLES, "augment.cutmix=1.0", "recipe.augment.cutmix: 1 can't stand beside"),
        (TABLES, "label_smoothing=0.1", "recipe.label_smoothing: 0.1 does nothing"),
        (
            TABLES,
            "data.name=synthetic augment.crop_padding=0 augment.random_resized_crop=true",
            "recipe.data.memory_limit_mb: token labelling needs all images in memory",
        ),
    ],
)
def test_what_token_labelling_refuses(
    annotator: Path, spec: Spec, override: str, said: str
) -> None:
    run = _run(spec, f"teacher.weights={annotator}", *override.split())
    with pytest.raises(InputError, match=said):
        build_parts(run, torch.device("cpu"))


def test_an_annotator_without_a_map(tmp_path: Path) -> None:
    tokens = models.spec("deit_digits", "depth=[1]", "dim=[8]", "heads=[1]", classes=10)
    folder = save(build(tokens), tmp_path / "tokens")
    run = _run(TABLES, f"teacher.weights={folder}")
    with pytest.raises(InputError, match=r"recipe\.teacher\.spec: it has no map before its pool"):
        check_teaching(run.recipe, run.spec, describe(run.recipe.data))
