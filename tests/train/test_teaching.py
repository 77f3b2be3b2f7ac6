"""A teacher's loss, against formulas written out, and runs that have a teacher."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workbench import models
from workbench.config import DataConfig, Outcome, Recipe, RunConfig, Spec, Teacher
from workbench.data import describe
from workbench.errors import InputError
from workbench.models import build
from workbench.models.tensor_file import read_tensors, write_tensors
from workbench.train.fit import fit
from workbench.train.parts import build_parts
from workbench.train.recipes import recipe
from workbench.train.saved import save
from workbench.train.teaching.losses import distillation
from workbench.train.teaching.objective import Distillation
from workbench.train.teaching.teacher import TrainedTeacher, load_teacher
from workbench.train.teaching.weights import pin, weights_file

SMALL = (
    "depth=[1]", "dim=[8]", "heads=[1]", "stride=[2]", "lpu=dwconv", "position=none", "mixer=pool",
)  # fmt: skip
TWO_HEADS = models.spec("columnar_digits", *SMALL, "head=distilled", classes=10)
ONE_HEAD = models.spec("columnar_digits", *SMALL, "head=gap", classes=10)


def _log(probabilities: Tensor) -> Tensor:
    return probabilities.double().log()


def test_soft_distillation_is_the_divergence_at_a_temperature() -> None:
    student, teacher = torch.randn(5, 4), torch.randn(5, 4)
    warm = [torch.exp(logits.double() / 3) for logits in (student, teacher)]
    p, q = (each / each.sum(1, keepdim=True) for each in warm)
    expected = 9 * (q * (_log(q) - _log(p))).sum() / 20  # over images and classes
    found = distillation(student, teacher, "soft", 3.0)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-7)


def test_hard_distillation_is_the_log_of_the_first_choice() -> None:
    student = torch.tensor([[2.0, 0.0], [0.0, 0.0]])
    teacher = torch.tensor([[0.0, 1.0], [5.0, 4.0]])
    expected = -(torch.tensor(1 / (1 + torch.e**2)).log() + torch.tensor(0.5).log()) / 2
    torch.testing.assert_close(distillation(student, teacher, "hard"), expected)


@pytest.mark.parametrize("soft_targets", [False, True])
def test_each_classifier_has_its_own_loss(soft_targets: bool) -> None:
    network = build(TWO_HEADS).train()
    images, labels = torch.randn(6, 3, 8, 8), torch.arange(6)
    targets = nn.functional.one_hot(labels, 10).float() if soft_targets else labels
    answers = torch.randn(6, 10)
    objective = Distillation(
        Recipe(label_smoothing=0.1), Teacher(kind="soft", alpha=0.3, tau=2.0), lambda *_: answers
    )
    network.zero_grad()
    objective(network, images, targets, 0, 0).backward()
    by_labels = network.head.classifier.linear.weight.grad
    labels_only, teacher_only = network.parts(images)
    smoothed = 0.9 * nn.functional.one_hot(labels, 10) + 0.01
    expected = -0.7 * (smoothed * labels_only.log_softmax(1)).sum(1).mean()
    (grad,) = torch.autograd.grad(expected, [network.head.classifier.linear.weight])
    torch.testing.assert_close(by_labels, grad)
    other = 0.3 * distillation(teacher_only, answers, "soft", 2.0)
    (grad,) = torch.autograd.grad(other, [network.head.distilled.linear.weight])
    torch.testing.assert_close(network.head.distilled.linear.weight.grad, grad)


# ---------------------------------------------------------------- runs


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(build(ONE_HEAD, seed=5), tmp_path_factory.mktemp("teacher") / "saved")


def _run(spec: Spec, *overrides: str, epochs: int = 2) -> RunConfig:
    made = recipe(
        {"data": {"name": "digits", "train_size": 40, "test_size": 30}, "batch_size": 16},
        f"epochs={epochs}",
        "augment.mixup=0.8",
        "augment.crop_padding=1",
        *overrides,
    )
    return RunConfig(variant="tiny", spec=spec, recipe=pin(made), seed=3)


def test_a_run_with_a_teacher_goes_on_bit_for_bit(tmp_path: Path, teacher: Path) -> None:
    run = _run(TWO_HEADS, f"teacher.weights={teacher}", "teacher.kind=soft")
    whole = fit(run, tmp_path / "whole", lambda _: None, "cpu")
    asked = iter([False] * 3 + [True] * 9)
    stopped = fit(run, tmp_path / "parts", lambda _: None, "cpu", lambda: next(asked))
    assert stopped.outcome is Outcome.INTERRUPTED
    parts = fit(run, tmp_path / "parts", lambda _: None, "cpu")
    assert (parts.test_loss, parts.top1) == (whole.test_loss, whole.top1)
    without = fit(_run(TWO_HEADS), tmp_path / "none", lambda _: None, "cpu")
    assert without.test_loss != whole.test_loss


@pytest.mark.parametrize(("precision", "dtype"), [("32", torch.float32), ("bf16", torch.bfloat16)])
def test_a_teacher_is_as_precise_as_the_student_and_has_no_gradient(
    tmp_path: Path,
    teacher: Path,
    precision: str,
    dtype: torch.dtype,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = _run(TWO_HEADS, f"teacher.weights={teacher}", f"precision='{precision}'", epochs=1)
    asked, seen = TrainedTeacher.__call__, list[tuple[torch.dtype, bool, bool]]()

    def watched(self: TrainedTeacher, images: Tensor) -> Tensor:
        logits = asked(self, images)
        seen.append((logits.dtype, logits.requires_grad, self.network.training))
        same = zip(self.network.parameters(), build(ONE_HEAD, seed=5).parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in same)
        return logits

    monkeypatch.setattr(TrainedTeacher, "__call__", watched)
    assert fit(run, tmp_path, lambda _: None, "cpu").outcome is Outcome.COMPLETED
    assert seen == [(dtype, False, False)] * 2  # steps


def test_the_id_has_the_weights_and_not_their_place(tmp_path: Path, teacher: Path) -> None:
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes((teacher / "model.safetensors").read_bytes())
    one, other = (_run(ONE_HEAD, f"teacher.weights={path}") for path in (teacher, copy))
    assert one.id == other.id != _run(ONE_HEAD).id
    changed = save(build(ONE_HEAD, seed=6), tmp_path / "other")
    assert _run(ONE_HEAD, f"teacher.weights={changed}").id != one.id
    copy.write_bytes((changed / "model.safetensors").read_bytes())
    with pytest.raises(InputError, match=r"recipe\.teacher\.sha256: .* are others now"):
        fit(other, tmp_path / "run", lambda _: None, "cpu")


def test_weights_of_a_run_are_found_in_its_results(tmp_path: Path, teacher: Path) -> None:
    tensors, facts = read_tensors(teacher / "model.safetensors")
    with pytest.raises(InputError, match="holds no weights; --keep weights keeps those of runs"):
        weights_file(tmp_path, "weights")
    for name in ("one", "two"):
        last = tmp_path / "runs" / name / "last"
        last.mkdir(parents=True)
        write_tensors(last / "model.safetensors", tensors, facts)
        assert weights_file(tmp_path / "runs" / name, "weights") == last / "model.safetensors"
        if name == "one":
            assert weights_file(tmp_path, "weights") == last / "model.safetensors"
    with pytest.raises(InputError, match=r"holds several; .*runs/one'"):
        weights_file(tmp_path, "weights")


def test_released_weights_teach_at_the_resolution_that_is_asked_for(tmp_path: Path) -> None:
    """A file as the authors release theirs, which does not say of which network it is."""
    file, made = tmp_path / "cmt.pth", models.spec("cmt_digits", classes=10)
    torch.save({"model": build(made, seed=2).state_dict()}, file)
    config = Teacher(spec=("cmt_digits", "resolution=16"), weights=str(file))
    student = ONE_HEAD.model_copy(update={"resolution": 16})
    found = load_teacher(config, student, describe(DataConfig(name="digits")))
    assert found(torch.zeros(2, 3, 16, 16)).shape == (2, 10)
    with pytest.raises(InputError, match=r"images of 8 pixels.* for 16; spec: .NAME, resolution"):
        load_teacher(config.model_copy(update={"spec": "cmt_digits"}), student,
                     describe(DataConfig(name="digits")))  # fmt: skip


@pytest.fixture(scope="module")
def of_timm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a network of timm's for ten classes."""
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("timm") / "resnet.safetensors"
    save_file(timm.create_model("test_resnet", num_classes=10).state_dict(), file)
    return file


def test_a_teacher_of_timms(of_timm: Path) -> None:
    config = Teacher(spec="timm:test_resnet", weights=str(of_timm))
    info = describe(DataConfig(name="digits"))
    teacher = load_teacher(config, ONE_HEAD, info)
    own = timm.create_model("test_resnet", num_classes=10).eval()
    own.load_state_dict(load_file(of_timm))
    images = torch.rand(2, 3, 8, 8)  # each is given as its network was trained to see it
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (info.mean, info.std))
    cfg = own.pretrained_cfg
    theirs = [torch.tensor(cfg[key]).view(3, 1, 1) for key in ("mean", "std")]
    with torch.no_grad():
        expected = own((images - theirs[0]) / theirs[1])
    torch.testing.assert_close(teacher((images - mean) / std), expected, rtol=1e-4, atol=1e-5)
    assert teacher.dense(images).shape[:2] == (2, 10)
    assert not any(each.requires_grad for each in teacher.network.parameters())
    assert not teacher.network.training
    fewer = ONE_HEAD.model_copy(update={"classes": 7})
    said = r"recipe\.teacher\.weights: .* does not fit timm:test_resnet: 'fc.weight' is \[10, "
    with pytest.raises(InputError, match=said):
        load_teacher(config, fewer, info)


# ---------------------------------------------------------------- bad input


def _refused(run: RunConfig, text: str) -> None:
    with pytest.raises(InputError, match=text):
        build_parts(run, torch.device("cpu"))


def test_a_teacher_of_other_classes_or_another_resolution(tmp_path: Path, teacher: Path) -> None:
    more = TWO_HEADS.model_copy(update={"classes": 12})
    run = _run(more, f"teacher.weights={teacher}", "augment.mixup=0")
    _refused(run, "it tells 10 classes apart, and the network that it is to teach 12")
    larger = models.spec("columnar_digits", *SMALL, "head=gap", classes=10, resolution=12)
    _refused(_run(larger, f"teacher.weights={teacher}"), "images of 8 pixels.* for 12;")
    tensors, facts = read_tensors(teacher / "model.safetensors")
    named = tmp_path / "named.safetensors"
    write_tensors(named, tensors, {**facts, "class_names": [f"c{each}" for each in range(10)]})
    _refused(_run(ONE_HEAD, f"teacher.weights={named}"), "other classes than .* 'c0' where '0' is")


def test_a_detector_is_no_teacher_of_classes(tmp_path: Path, teacher: Path) -> None:
    tensors, facts = read_tensors(teacher / "model.safetensors")
    file = tmp_path / "detector.safetensors"
    write_tensors(file, tensors, {**facts, "task": {"name": "detect"}, "outputs": 10})
    _refused(_run(ONE_HEAD, f"teacher.weights={file}"), r"weights: .* a model of task detect")


class Code:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return eval, ("1 + 1",)


@pytest.mark.parametrize("kind", ["absent", "foreign", "truncated", "code", "no spec"])
def test_a_teachers_file_that_is_none(tmp_path: Path, teacher: Path, kind: str) -> None:
    file = tmp_path / "file.pth"
    named = "teacher.spec=cmt_digits"
    if kind == "foreign":
        torch.save({"layer1.0.conv1.weight": torch.zeros(3)}, file)
    elif kind == "truncated":
        file = file.with_suffix(".safetensors")
        file.write_bytes((teacher / "model.safetensors").read_bytes()[:-100])
        named = "teacher.kind=hard"
    elif kind == "code":
        torch.save({"weight": Code()}, file)
    elif kind == "no spec":
        torch.save({"layer1.0.conv1.weight": torch.zeros(3)}, file)
        named = "teacher.kind=hard"
    said = {
        "absent": r"recipe\.teacher\.weights: .* does not exist",
        "foreign": r"recipe\.teacher\.weights: .* looks like a ResNet checkpoint",
        "truncated": "truncated",
        "code": "would run code",
        "no spec": r"recipe\.teacher\.spec: missing; .* does not say",
    }
    with pytest.raises(InputError, match=said[kind]) as caught:
        build_parts(_run(ONE_HEAD, f"teacher.weights={file}", named), torch.device("cpu"))
    assert "\n" not in str(caught.value)


def test_settings_without_effect_are_refused() -> None:
    with pytest.raises(InputError, match=r"recipe\.teacher: .* tau does nothing with kind=hard"):
        recipe("digits", "teacher.tau=2")
    with pytest.raises(InputError, match="missing; name a file of weights"):
        pin(recipe("digits", "teacher.spec=cmt_digits"))
    with pytest.raises(InputError, match="unknown 'alfa'; nearest: 'alpha'"):
        recipe("digits", "teacher.alfa=2")
