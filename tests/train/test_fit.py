"""A run from its start to its end, and what `fit` refuses."""

from pathlib import Path

import pytest
import torch

from tests.train.standins import (
    FAST,
    FULL,
    STEPS,
    HeldOut,
    Stream,
    Tiny,
    compare,
    epochs_told,
    fit_tiny,
    run_config,
    small_run,
)
from workbench.config import (
    Optimiser,
    Outcome,
    Progress,
)
from workbench.errors import InputError
from workbench.train import monitor
from workbench.train.checkpoint import NAME, load_checkpoint, network_weights
from workbench.train.evidence import NAME as EVIDENCE
from workbench.train.fit import Parts, fit
from workbench.train.optimiser import parameter_groups
from workbench.train.schedule import learning_rate


def test_a_run_completes_and_tells_each_epoch(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = fit_tiny(tmp_path, FAST, told=told)
    records = epochs_told(told)
    assert result.outcome is Outcome.COMPLETED
    assert result.reason is None
    assert [record.epoch for record in records] == [0, 1, 2]
    assert (result.top1, result.test_loss) == (records[-1].top1, records[-1].test_loss)
    assert result.step == 3 * STEPS
    assert result.images_per_second is not None
    assert result.images_per_second > 0
    assert result.seconds >= sum(record.seconds for record in records)
    last = learning_rate(FAST.schedule, FAST.optimiser.lr, 3 * STEPS - 1, STEPS, 3)
    assert records[-1].lr == pytest.approx(last, rel=1e-12)
    ends = [(progress.epoch, progress.step) for progress in told if progress.record]
    assert ends == [(0, STEPS), (1, STEPS), (2, STEPS)]


def test_the_seed_fixes_every_bit(tmp_path: Path) -> None:
    fit_tiny(tmp_path / "one", FULL)
    torch.rand(17)
    fit_tiny(tmp_path / "two", FULL)
    compare(tmp_path / "one", tmp_path / "two")


def test_fit_is_the_plain_loop(tmp_path: Path) -> None:
    run = run_config(FULL)
    fit_tiny(tmp_path, FULL)
    torch.manual_seed(run.seed)
    network, stream = Tiny(run.seed), Stream(run.seed)
    groups = parameter_groups(network, FULL.optimiser.weight_decay)
    adamw = torch.optim.AdamW(groups, lr=1.0, fused=True)
    for epoch in range(FULL.epochs):
        stream.set_epoch(epoch)
        for index, (images, targets) in enumerate(stream):
            step = epoch * STEPS + index
            for group in adamw.param_groups:
                group["lr"] = learning_rate(FULL.schedule, 0.01, step, STEPS, FULL.epochs)
            adamw.zero_grad()
            torch.nn.functional.cross_entropy(
                network(images), targets, label_smoothing=0.1
            ).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            adamw.step()
    state = load_checkpoint(tmp_path / NAME)["state_dict"]
    for name, value in network.state_dict().items():
        assert torch.equal(value, state[f"network.{name}"]), name


def test_nothing_is_left_but_the_checkpoint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.chdir(tmp_path)
    fit_tiny(tmp_path / "run", FAST)
    assert [path.name for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [EVIDENCE, NAME]
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


def test_the_checkpoint_holds_the_weights_that_were_tested(tmp_path: Path) -> None:
    fit_tiny(tmp_path, FULL)
    checkpoint = load_checkpoint(tmp_path / NAME)
    weights = network_weights(checkpoint)
    Tiny(0).load_state_dict(weights)
    torch.testing.assert_close(
        weights["head.weight"], checkpoint["state_dict"]["average.module.head.weight"]
    )
    raw = checkpoint["state_dict"]["network.head.weight"]
    assert not torch.equal(weights["head.weight"], raw)


def test_progress_within_an_epoch_is_throttled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "EMIT_SECONDS", 1e9)
    quiet: list[Progress] = []
    fit_tiny(tmp_path / "quiet", FAST, told=quiet)
    assert all(progress.record for progress in quiet)
    monkeypatch.setattr(monitor, "EMIT_SECONDS", 0.0)
    told: list[Progress] = []
    fit_tiny(tmp_path / "all", FAST, told=told)
    within = [(progress.epoch, progress.step) for progress in told if not progress.record]
    assert within == [(epoch, step + 1) for epoch in range(3) for step in range(STEPS)]
    assert all(progress.loss is not None and progress.steps == STEPS for progress in told)


def test_bf16_trains_and_is_not_32_bits(tmp_path: Path) -> None:
    whole = FAST.model_copy(update={"optimiser": Optimiser(clip_grad=1.0)})
    half = whole.model_copy(update={"precision": "bf16"})
    results = [fit_tiny(tmp_path / name, r) for name, r in (("32", whole), ("16", half))]
    assert {result.outcome for result in results} == {Outcome.COMPLETED}
    assert results[0].test_loss != results[1].test_loss
    assert results[0].test_loss == pytest.approx(results[1].test_loss, rel=0.05)


def test_unknown_device(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="device: 'tpu' is not here; choose from: auto, cpu"):
        fit(run_config(), tmp_path, lambda progress: None, "tpu")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"folder: .* can't be written"):
        fit_tiny(tmp_path / "file" / "run")


def test_no_whole_batch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"recipe\.batch_size: 8 is more than the training images"):
        fit(
            run_config(),
            tmp_path,
            lambda progress: None,
            "cpu",
            parts=lambda run, device: Parts(Tiny(1), Stream(1, steps=0), HeldOut()),
        )


def test_ctrl_c_stays_a_keyboard_interrupt(tmp_path: Path) -> None:
    import signal

    handler = signal.getsignal(signal.SIGINT)

    def press() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(run_config(), tmp_path, lambda progress: None, "cpu", press, parts=_parts)
    assert signal.getsignal(signal.SIGINT) is handler


def _parts(run: object, device: object) -> Parts:
    return Parts(Tiny(1), Stream(1), HeldOut())


def test_mixing_needs_the_classes_of_the_data(tmp_path: Path) -> None:
    mixed = small_run("classes=12")
    augment = mixed.recipe.augment.model_copy(update={"cutmix": 1.0})
    recipe = mixed.recipe.model_copy(update={"augment": augment})
    with pytest.raises(InputError, match=r"spec\.classes: 12 is more than the 10 .* use 10$"):
        fit(mixed.model_copy(update={"recipe": recipe}), tmp_path, lambda progress: None, "cpu")


def test_batches_of_one_that_a_batch_norm_cannot_use_say_so(tmp_path: Path) -> None:
    run = small_run("stride=[4,2]", "mixer.k=1")
    recipe = run.recipe.model_copy(update={"batch_size": 1})
    with pytest.raises(InputError, match=r"recipe\.batch_size: 1 is too few: .* at least 2$"):
        fit(run.model_copy(update={"recipe": recipe}), tmp_path, lambda progress: None, "cpu")


def test_fewer_outputs_than_classes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"spec\.classes: 4 is less than the 10 classes"):
        fit(small_run("classes=4"), tmp_path, lambda progress: None, "cpu")
