"""Exported networks have the logits of the network, for any batch, one network a family."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from workbench import build, register, save, spec
from workbench.cli.export import export as command
from workbench.errors import InputError
from workbench.models import SLOTS, Network
from workbench.models.components.lpu import NoLpu
from workbench.models.export import export, exported

FAMILIES = {  # two stages each: all components of the family, and a change of resolution
    "cmt": ("cmt_digits", "depth=1", "dim=[8,16]", "heads=[1,2]", "stride=[2,2]", "mixer.k=[2,1]"),
    "levit": ("levit_128s", "resolution=32", "classes=4", "depth=1", "dim=[16,24]", "heads=[1,2]",
              "stride=[8,2]"),
    "volo": ("volo_d1", "resolution=32", "classes=4", "depth=1", "dim=[12,24]", "heads=[1,2]",
             "stride=[8,2]", "downsample=[none,conv]", "position=[none,absolute]",
             "mixer=[outlook,lmhsa]"),
    "deit": ("deit_digits", "depth=1"),
}  # fmt: skip
EACH = pytest.mark.parametrize("words", FAMILIES.values(), ids=FAMILIES)


def network(words: tuple[str, ...]) -> tuple[Network, Tensor]:
    """A network whose logits tell images apart, and five images: not the two it is traced with."""
    model, generator = build(spec(*words)).eval(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.normal_(0, parameter.shape[1] ** -0.5, generator=generator)
    side = model.spec.resolution
    images = torch.randn(5, 3, side, side, generator=generator)
    with torch.no_grad():
        assert model(images).std(0).max() > 1e-3
    return model, images


def close(found: Tensor, model: Network, images: Tensor) -> None:
    with torch.no_grad():
        expected = model(images)
    assert (found - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "fused"), [("cmt", False), *((name, True) for name in FAMILIES)]
)
def test_onnxruntime_gives_the_same_logits(family: str, fused: bool, tmp_path: Path) -> None:
    """The graph of each family with its norms, which ONNX is made of, is in the test below."""
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    model, images = network(FAMILIES[family])
    path = export(model, tmp_path / "network.onnx", fused=fused)
    session = runtime.InferenceSession(str(path))
    for batch in (images, images[:1]):
        (found,) = session.run(["logits"], {"images": batch.numpy()})
        close(torch.from_numpy(found), model, batch)


@pytest.mark.slow
@EACH
def test_an_exported_program_is_read_back(words: tuple[str, ...], tmp_path: Path) -> None:
    model, images = network(words)
    path = export(model, tmp_path / "network.pt2")
    program = torch.export.load(path).module()
    for batch in (images, images[:1]):
        close(program(batch), model, batch)


@pytest.mark.slow
@EACH
def test_the_whole_network_is_one_graph_for_the_compiler(words: tuple[str, ...]) -> None:
    """Whole is what the first of the compiler's stages says; the later ones take long."""
    torch.compiler.reset()  # else sizes that other networks had make this one's graph larger
    model, images = network(words)
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    with torch.no_grad():
        close(compiled(images), model, images)
        wide = torch.cat([images, images], 3)  # tables are resized within the graph
        close(compiled(wide), model, wide)


@pytest.mark.slow
def test_the_command_takes_a_saved_network_and_refuses_what_is_none_of_the_zoo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, images = network(FAMILIES["levit"])
    folder = str(save(model, tmp_path / "saved"))
    command(folder, form="pt2", output=tmp_path / "it.pt2", fuse=True)
    assert capsys.readouterr().out.strip() == str(tmp_path / "it.pt2")
    close(torch.export.load(tmp_path / "it.pt2").module()(images), model, images)
    with pytest.raises(InputError, match="a folder has its own network and weights"):
        command(folder, overrides=["lpu=none"])
    monkeypatch.setattr("workbench.runs.kept.load", lambda *_: torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match="saved' is a Linear; classifiers of the zoo alone are"):
        command(folder)
    with pytest.raises(InputError, match="'cmt_s' is no folder of results"):
        command("cmt_s", seed=1)


class Counting(NoLpu):
    """A component that looks at numbers as it runs."""

    def forward(self, x: Tensor) -> Tensor:
        return x * 2 if float(x.sum()) > 0 else x


def test_a_component_that_cannot_be_exported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SLOTS["lpu"], "counting", Counting)
    register("lpu", "counting", Counting)
    with pytest.raises(InputError, match=r"stages\.0\.blocks\.0\.lpu \(Counting\)"):
        exported(build(spec("columnar_digits", "lpu=counting", "depth=[1]", "dim=[8]")).eval())


class Bessel(NoLpu):
    """A component that PyTorch exports and ONNX has no operator for."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(x)


@pytest.mark.slow
def test_a_component_that_onnx_has_no_operator_for_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.setitem(SLOTS["lpu"], "bessel", Bessel)
    model = build(spec("columnar_digits", "lpu=bessel", "depth=[1]", "dim=[8]")).eval()
    with pytest.raises(
        InputError, match=r"stages\.0\.blocks\.0\.lpu \(Bessel\) can't be exp"
    ) as told:
        export(model, tmp_path / "network.onnx")
    assert "bessel_j0" in str(told.value)
    assert "\n" not in str(told.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    model = build(spec("deit_digits", "depth=1"))
    with pytest.raises(InputError, match=r"output: .*network\.pt2 can't be written: No such file"):
        export(model, tmp_path / "none" / "network.pt2")
    with pytest.raises(InputError, match=r"output: .* can't be written: "):
        export(model, tmp_path, "pt2")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="onnx"):
        export(build(spec("deit_digits")), tmp_path / "network.tflite")
