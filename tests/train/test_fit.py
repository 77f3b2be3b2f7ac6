import logging
import math
from pathlib import Path

import pytest
import torch

from tests.train.standins import (
    BATCH,
    FAST,
    STEPS,
    HeldOut,
    StopAfter,
    Stream,
    Tiny,
    fit_tiny,
    run_config,
)
from workbench.config import (
    Augment,
    DataConfig,
    EpochRecord,
    Optimiser,
    Outcome,
    Progress,
    Recipe,
    RunConfig,
    Schedule,
)
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.train import monitor
from workbench.train.checkpoint import NAME, load_checkpoint, network_weights, read_saved
from workbench.train.fit import Parts, fit
from workbench.train.optimiser import parameter_groups
from workbench.train.schedule import learning_rate

ASKED = STEPS + 3  # how often an epoch asks whether to stop: each step, each batch of the test

# Everything that has a state: dropout and drop path (in the network), EMA, clipping, warm-up.
FULL = Recipe(
    epochs=5,
    batch_size=BATCH,
    optimiser=Optimiser(lr=0.01, clip_grad=1.0),
    schedule=Schedule(warmup_epochs=1),
    label_smoothing=0.1,
    ema_decay=0.9,
)


def _records(told: list[Progress]) -> list[EpochRecord]:
    return [progress.record for progress in told if progress.record]


def _same(one: object, other: object, path: str = "") -> None:
    """Every tensor bit for bit, every number equal; only the clock may differ."""
    if isinstance(one, torch.Tensor):
        assert isinstance(other, torch.Tensor)
        assert torch.equal(one, other), path
    elif isinstance(one, dict):
        assert isinstance(other, dict)
        assert one.keys() == other.keys(), path
        for key in one.keys() - {"seconds", "images_per_second"}:
            _same(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple):
        assert isinstance(other, list | tuple)
        assert len(one) == len(other), path
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            _same(mine, theirs, f"{path}.{index}")
    else:
        assert one == other, path


def _compare(one: Path, other: Path) -> None:
    mine, theirs = load_checkpoint(one / NAME), load_checkpoint(other / NAME)
    for key in ("state_dict", "optimizer_states", "workbench", "epoch", "global_step"):
        _same(mine[key], theirs[key], key)


def test_a_run_completes_and_tells_each_epoch(tmp_path: Path) -> None:
    told: list[Progress] = []
    result = fit_tiny(tmp_path, FAST, told=told)
    records = _records(told)
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
    _compare(tmp_path / "one", tmp_path / "two")


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


@pytest.mark.parametrize("steps", [ASKED + 2, 2 * ASKED + STEPS + 1])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path, steps: int) -> None:
    whole: list[Progress] = []
    fit_tiny(tmp_path / "whole", FULL, told=whole)
    told: list[Progress] = []
    stopped = fit_tiny(tmp_path / "parts", FULL, StopAfter(steps), told)
    assert stopped.outcome is Outcome.INTERRUPTED
    before = len(_records(told))
    assert 0 < before < FULL.epochs
    assert len(read_saved(tmp_path / "parts" / NAME).records) == before
    torch.rand(5)
    resumed = fit_tiny(tmp_path / "parts", FULL, told=told)
    assert resumed.outcome is Outcome.COMPLETED
    _compare(tmp_path / "whole", tmp_path / "parts")
    clock = {"seconds": 0.0}
    assert [record.model_copy(update=clock) for record in _records(told)] == [
        record.model_copy(update=clock) for record in _records(whole)
    ]
    assert resumed.step == FULL.epochs * STEPS


def test_resuming_many_times_equals_uninterrupted(tmp_path: Path) -> None:
    fit_tiny(tmp_path / "whole", FULL)
    for _ in range(FULL.epochs):
        result = fit_tiny(tmp_path / "parts", FULL, StopAfter(ASKED + 1))
    assert result.outcome is Outcome.COMPLETED
    _compare(tmp_path / "whole", tmp_path / "parts")


def test_a_checkpoint_only_every_few_epochs(tmp_path: Path) -> None:
    sparse = FULL.model_copy(update={"checkpoint_every": 2})
    fit_tiny(tmp_path, sparse, StopAfter(3 * ASKED + 2))
    assert [record.epoch for record in read_saved(tmp_path / NAME).records] == [0, 1]
    told: list[Progress] = []
    fit_tiny(tmp_path, sparse, told=told)
    assert [record.epoch for record in _records(told)] == [2, 3, 4]
    assert len(read_saved(tmp_path / NAME).records) == 5


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = fit_tiny(tmp_path, FAST)
    told: list[Progress] = []

    def never(run: object, device: object) -> Parts:
        raise AssertionError("built again")

    again = fit(run_config(FAST), tmp_path, told.append, "cpu", parts=never)
    assert told == []
    clock = {"seconds": 0.0}
    assert again.model_copy(update=clock) == first.model_copy(update=clock)


def test_stopping_before_the_first_checkpoint(tmp_path: Path) -> None:
    result = fit_tiny(tmp_path, FAST, StopAfter(2))
    assert (result.outcome, result.step) == (Outcome.INTERRUPTED, 2)
    assert result.reason
    assert result.top1 is None
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_but_the_checkpoint(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    monkeypatch.chdir(tmp_path)
    fit_tiny(tmp_path / "run", FAST)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [NAME]
    assert capfd.readouterr() == ("", "")
    assert [str(warning.message) for warning in recwarn] == []


def test_the_checkpoint_holds_the_weights_that_were_tested(tmp_path: Path) -> None:
    fit_tiny(tmp_path, FULL)
    checkpoint = load_checkpoint(tmp_path / NAME)
    weights = network_weights(checkpoint)
    Tiny(0).load_state_dict(weights)
    torch.testing.assert_close(
        weights["head.weight"], checkpoint["state_dict"]["average.network.head.weight"]
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
    half = FAST.model_copy(update={"precision": "bf16"})
    results = [fit_tiny(tmp_path / name, r) for name, r in (("32", FAST), ("16", half))]
    assert {result.outcome for result in results} == {Outcome.COMPLETED}
    assert results[0].test_loss != results[1].test_loss
    assert results[0].test_loss == pytest.approx(results[1].test_loss, rel=0.05)


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("bad", [0, 9])
def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path, bad: int) -> None:
    stream = Stream(1, spoil=bad)
    told: list[Progress] = []
    result = fit(
        run_config(),
        tmp_path,
        told.append,
        "cpu",
        parts=lambda run, device: Parts(Tiny(1), stream, HeldOut()),
    )
    assert result.outcome is Outcome.DIVERGED
    assert result.step == bad + 1
    assert stream.served == bad + 1
    assert result.reason is not None
    assert f"training loss is nan at step {bad + 1}" in result.reason
    last = dict(result.details)["last_finite_loss"]
    assert (last is None) if bad == 0 else math.isfinite(float(last or "nan"))
    assert len(_records(told)) == bad // STEPS


def test_a_learning_rate_without_bound_diverges(tmp_path: Path) -> None:
    wild = Recipe(
        epochs=3,
        batch_size=BATCH,
        optimiser=Optimiser(name="momentum", lr=1e30),
        schedule=Schedule(name="constant"),
    )
    result = fit_tiny(tmp_path, wild)
    assert result.outcome is Outcome.DIVERGED
    assert result.step is not None
    assert result.step < 3 * STEPS


def test_a_test_loss_that_is_not_finite_ends_the_run(tmp_path: Path) -> None:
    test = HeldOut()
    test.images[-1] = torch.nan
    told: list[Progress] = []
    result = fit(
        run_config(),
        tmp_path,
        told.append,
        "cpu",
        parts=lambda run, device: Parts(Tiny(1), Stream(1), test),
    )
    assert (result.outcome, result.step) == (Outcome.DIVERGED, STEPS)
    assert result.reason is not None
    assert "test loss is nan" in result.reason
    assert not _records(told)
    assert not (tmp_path / NAME).exists()


# ---------------------------------------------------------------- what is refused


def test_another_runs_checkpoint_is_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit_tiny(tmp_path, FULL)
    with caplog.at_level(logging.WARNING):
        result = fit_tiny(tmp_path, FAST)
    assert result.outcome is Outcome.COMPLETED
    assert "belongs to another run" in caplog.text
    assert "belongs to another run" in str(dict(result.details)["refused_checkpoint"])
    assert (tmp_path / f"{NAME}.refused").exists()


def test_a_truncated_checkpoint_is_set_aside_and_the_run_starts_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fit_tiny(tmp_path / "whole", FULL)
    fit_tiny(tmp_path / "cut", FULL, StopAfter(2 * ASKED + 1))
    path = tmp_path / "cut" / NAME
    path.write_bytes(path.read_bytes()[:-200])
    result = fit_tiny(tmp_path / "cut", FULL)
    assert result.outcome is Outcome.COMPLETED
    assert str(path) in caplog.text
    _compare(tmp_path / "whole", tmp_path / "cut")


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


# ---------------------------------------------------------------- with the models and data rooms


def _small_run(*overrides: str) -> RunConfig:
    recipe = FULL.model_copy(
        update={
            "epochs": 3,
            "batch_size": 16,
            "data": DataConfig(name="digits", train_size=40, test_size=30),
            "augment": Augment(crop_padding=1, hflip=0.5, random_erasing=0.25, mixup=0.8, cutmix=1),
        }
    )
    small = ["depth=[1,1]", "dim=[8,16]", "heads=[1,2]", "stride=[2,2]", "mixer.k=[2,1]"]
    network = spec("cmt_digits", *small, *overrides)
    return RunConfig(variant="small", spec=network, recipe=recipe, seed=0)


def test_a_cmt_on_digits_resumes_bit_for_bit(tmp_path: Path) -> None:
    run = _small_run("dropout=0.1", "drop_path=0.2")
    whole = fit(run, tmp_path / "whole", lambda progress: None, "cpu")
    stopped = fit(run, tmp_path / "parts", lambda progress: None, "cpu", StopAfter(6))
    assert (stopped.outcome, len(read_saved(tmp_path / "parts" / NAME).records)) == (
        Outcome.INTERRUPTED,
        1,
    )
    resumed = fit(run, tmp_path / "parts", lambda progress: None, "cpu")
    assert whole.outcome is resumed.outcome is Outcome.COMPLETED
    _compare(tmp_path / "whole", tmp_path / "parts")
    build(run.spec).load_state_dict(network_weights(load_checkpoint(tmp_path / "parts" / NAME)))


def test_mixing_needs_the_classes_of_the_data(tmp_path: Path) -> None:
    mixed = _small_run("classes=12")
    augment = mixed.recipe.augment.model_copy(update={"cutmix": 1.0})
    recipe = mixed.recipe.model_copy(update={"augment": augment})
    with pytest.raises(InputError, match=r"spec\.classes: 12 is more than the 10 .* use 10$"):
        fit(mixed.model_copy(update={"recipe": recipe}), tmp_path, lambda progress: None, "cpu")


def test_batches_of_one_that_a_batch_norm_cannot_use_say_so(tmp_path: Path) -> None:
    run = _small_run("stride=[4,2]", "mixer.k=1")
    recipe = run.recipe.model_copy(update={"batch_size": 1})
    with pytest.raises(InputError, match=r"recipe\.batch_size: 1 is too few: .* at least 2$"):
        fit(run.model_copy(update={"recipe": recipe}), tmp_path, lambda progress: None, "cpu")


def test_fewer_outputs_than_classes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"spec\.classes: 4 is less than the 10 classes"):
        fit(_small_run("classes=4"), tmp_path, lambda progress: None, "cpu")
