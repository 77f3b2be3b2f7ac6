"""Loading weights: golden logits, strictness, other resolutions and classes, hostile files."""

import argparse
import io
import json
import logging
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.golden import fill
from workbench import build, load_weights, spec
from workbench.errors import InputError
from workbench.models.weights import read

GOLDEN: Mapping[str, Any] = json.loads(
    (Path(__file__).parent / "golden" / "cmt_ti.json").read_text()
)


@pytest.fixture(scope="module")
def released() -> dict[str, Tensor]:
    """A state dict under the names of the authors' CMT-Ti."""
    return {name: fill.tensor(name, shape) for name, shape in GOLDEN["state_dict_shapes"].items()}


@pytest.mark.slow
def test_golden_logits_of_the_released_cmt_ti(released: dict[str, Tensor]) -> None:
    model = build(spec("cmt_ti")).double().eval()
    load_weights(model, released)
    assert sum(p.numel() for p in model.parameters()) == GOLDEN["parameters"]
    with torch.no_grad():
        logits = model(fill.images(GOLDEN["resolution"]))
    difference = (logits - torch.tensor(GOLDEN["logits"], dtype=torch.float64)).abs().max()
    assert difference.item() < 1e-6


def test_a_released_checkpoint_is_unwrapped(released: dict[str, Tensor], tmp_path: Path) -> None:
    half = {name: t.float() if t.is_floating_point() else t for name, t in released.items()}
    averaged = {name: t + 1 if t.is_floating_point() else t for name, t in half.items()}
    file = tmp_path / "cmt_tiny.pth"
    arguments = argparse.Namespace(model="cmt_ti", lr=8e-4)  # as the authors' train.py saves them
    torch.save({"model": half, "model_ema": averaged, "epoch": 3, "args": arguments}, file)
    for ema, expected in ((False, half), (True, averaged)):
        model = build(spec("cmt_ti"))
        load_weights(model, file, ema=ema)
        assert torch.equal(model.stem.convs[0].weight, expected["stem_conv1.weight"])


def test_averaged_weights_alone_are_not_taken_for_the_others() -> None:
    state = {"model_ema": build(spec("cmt_digits"), seed=1).state_dict()}
    model = build(spec("cmt_digits"))
    with pytest.raises(InputError, match="holds averaged weights alone; ema=True takes them"):
        load_weights(model, state)  # type: ignore[arg-type]
    load_weights(model, state, ema=True)  # type: ignore[arg-type]
    assert torch.equal(model.head.linear.weight, state["model_ema"]["head.linear.weight"])


def test_another_size_of_the_family_is_named(released: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match="'state dict' looks like 'cmt_ti', which 'cmt_s' is not"):
        load_weights(build(spec("cmt_s")), released)


def test_shapes_that_do_not_fit_are_named_with_what_has_them() -> None:
    state = dict(build(spec("cmt_digits", classes=5, resolution=16)).state_dict())
    wide = build(spec("cmt_digits", "dim=[24,48,72,192]"))
    expected = r"looks like 'cmt_digits', which .*: stages.3.downsample.conv.weight is \[96, 72, 2"
    with pytest.raises(InputError, match=expected):
        load_weights(wide, state)
    state["head.conv.bias"] = torch.zeros(3)
    with pytest.raises(InputError, match=r"does not fit: head.conv.bias is \[3\]"):
        load_weights(build(spec("cmt_digits")), state, new_head=True)


def test_the_workbench_s_own_state_dict_loads_bit_for_bit(tmp_path: Path) -> None:
    first, second = (build(spec("cmt_digits"), seed=seed) for seed in (0, 1))
    file = tmp_path / "own.pt"
    torch.save(first.state_dict(), file)
    load_weights(second, file)
    for name, tensor in first.state_dict().items():
        assert torch.equal(tensor, second.state_dict()[name])


def test_another_resolution_resizes_position_tables_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    small, large = build(spec("cmt_digits")), build(spec("cmt_digits", resolution=16))
    with caplog.at_level(logging.INFO):
        load_weights(large, small.state_dict())
    assert "stages.0.position.table.0: resized" in caplog.text
    assert "bicubic" in caplog.text


def test_resizing_a_constant_table_leaves_it_constant() -> None:
    small, large = build(spec("cmt_digits")), build(spec("cmt_digits", resolution=16))
    state = dict(small.state_dict())
    state["stages.0.position.table.0"] = torch.full((1, 64, 4), 2.5)
    load_weights(large, state)
    table = large.stages[0].position.table[0]
    torch.testing.assert_close(table.data, torch.full_like(table, 2.5))


def test_another_number_of_classes_needs_the_flag() -> None:
    ten, five = build(spec("cmt_digits")), build(spec("cmt_digits", classes=5))
    with pytest.raises(InputError, match=r"head.linear.weight is \[10, 192\].*new_head"):
        load_weights(five, ten.state_dict())
    before = five.head.linear.weight.clone()
    load_weights(five, ten.state_dict(), new_head=True)
    assert torch.equal(five.head.linear.weight, before)
    assert torch.equal(five.head.conv.weight, ten.head.conv.weight)


def test_a_missing_and_an_unknown_key_are_named() -> None:
    model = build(spec("cmt_digits"))
    state = dict(model.state_dict())
    state["nonsense"] = state.pop("head.linear.bias")
    with pytest.raises(InputError, match=r"1 missing, such as 'head.linear.bias'; 1 unknown"):
        load_weights(model, state)


def test_a_released_checkpoint_on_another_network_is_named(released: dict[str, Tensor]) -> None:
    with pytest.raises(InputError, match="looks like a released CMT checkpoint"):
        load_weights(build(spec("deit_digits")), released)


class Hostile:
    """A pickle that runs code when it is loaded by an unguarded reader."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


def test_a_file_with_code_in_it_is_refused_and_not_run(tmp_path: Path) -> None:
    mark, file = tmp_path / "ran", tmp_path / "evil.pth"
    torch.save({"model": Hostile(mark)}, file)
    with pytest.raises(
        InputError, match=r"evil\.pth' is refused: it asks for \S+, which .* run code$"
    ):
        load_weights(build(spec("cmt_digits")), file)
    assert not mark.exists()


def _truncated(file: Path) -> None:
    torch.save(build(spec("cmt_digits")).state_dict(), file)
    file.write_bytes(file.read_bytes()[:2000])


BROKEN = {
    "truncated": _truncated,
    "empty": lambda file: file.write_bytes(b""),
    "text": lambda file: file.write_text("weights"),
    "a list": lambda file: torch.save([1, 2], file),
    "another dictionary": lambda file: torch.save({"epoch": 1}, file),
    "an old pickle": lambda file: file.write_bytes(pickle.dumps({"a": 1})),
    "absent": lambda file: None,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_file_that_is_no_checkpoint_is_one_line(
    kind: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    file = tmp_path / "broken.pth"
    BROKEN[kind](file)
    with pytest.raises(InputError, match=r"weights: .*broken\.pth") as caught:
        load_weights(build(spec("cmt_digits")), file)
    assert "\n" not in str(caught.value)
    assert not recwarn.list


@pytest.mark.parametrize("zipped", [True, False])
def test_no_flipped_byte_is_more_than_one_line(zipped: bool, tmp_path: Path) -> None:
    """torch's reader raises whatever the bytes lead it to: IndexError, AssertionError, ..."""
    whole, file = io.BytesIO(), tmp_path / "flipped.pth"
    torch.save({"a": torch.ones(2), "b": [1, "x"]}, whole, _use_new_zipfile_serialization=zipped)
    data, said = whole.getvalue(), list[str]()
    for place in range(0, min(len(data), 700), 2):
        file.write_bytes(data[:place] + bytes([data[place] ^ 5]) + data[place + 1 :])
        try:
            read(file)
        except InputError as error:
            said.append(str(error))
    assert len(said) > 50
    assert not any("\n" in each for each in said)


def _quantised(shape: torch.Size) -> Tensor:
    return torch.quantize_per_tensor(torch.zeros(shape), 0.1, 0, torch.qint8)


ODD = {
    "sparse": lambda shape: torch.zeros(shape).to_sparse(),
    "quantised": _quantised,
    "meta": lambda shape: torch.zeros(shape, device="meta"),
    "complex": lambda shape: torch.zeros(shape, dtype=torch.complex64),
    "int64": lambda shape: torch.zeros(shape, dtype=torch.int64),
}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["stem.convs.0.weight", "head.linear.bias"])
@pytest.mark.parametrize("kind", ODD)
def test_odd_tensors_are_refused_in_one_line_and_leave_the_model_as_it_was(
    kind: str, name: str
) -> None:
    model, other = (build(spec("cmt_digits"), seed=seed) for seed in (0, 1))
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    state = dict(other.state_dict())
    state[name] = ODD[kind](state[name].shape)
    with pytest.raises(InputError, match=rf"refused: {name} .*{kind}") as caught:
        load_weights(model, state)
    assert "\n" not in str(caught.value)
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[key]), key


def _checkpoint(prefixes: Mapping[str, int]) -> dict[str, Any]:
    """As a run writes it: networks of the seeds, under their prefixes."""
    networks = {prefix: build(spec("cmt_digits"), seed=prefixes[prefix]) for prefix in prefixes}
    named = {
        f"{prefix}{key}": tensor
        for prefix, network in networks.items()
        for key, tensor in network.state_dict().items()
    }
    return {"workbench": {"run": "a"}, "epoch": 1, "state_dict": named}


@pytest.mark.parametrize("averaged", [None, "average.module.", "average.network."])
def test_a_runs_own_checkpoint_gives_the_weights_that_were_scored(
    averaged: str | None, tmp_path: Path
) -> None:
    scored = build(spec("cmt_digits"), seed=7).state_dict()
    prefixes = {"network.": 1, averaged: 7} if averaged else {"network.": 7}
    file = tmp_path / "last.ckpt"
    torch.save(_checkpoint(prefixes), file)
    model = build(spec("cmt_digits"))
    load_weights(model, file, ema=averaged is not None)
    for key, tensor in model.state_dict().items():
        assert torch.equal(tensor, scored[key]), key


def test_a_checkpoint_without_averaged_weights_says_so(tmp_path: Path) -> None:
    torch.save(_checkpoint({"network.": 1}), tmp_path / "last.ckpt")
    with pytest.raises(InputError, match="holds no averaged weights"):
        load_weights(build(spec("cmt_digits")), tmp_path / "last.ckpt", ema=True)


def test_a_damaged_checkpoint_of_a_run_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "last.ckpt"
    torch.save(_checkpoint({"network.": 1}), file)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0x40
    file.write_bytes(content)
    with pytest.raises(InputError, match="is damaged: its checksums"):
        load_weights(build(spec("cmt_digits")), file)
