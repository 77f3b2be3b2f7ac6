"""What notebooks show comes from the rooms unchanged."""

import struct
from pathlib import Path

import pytest
import torch
from IPython.display import Image

from workbench import notebook as show
from workbench import shipped
from workbench.cost.peers import read_counts, standings
from workbench.errors import InputError
from workbench.models import build, spec
from workbench.show.table import Column, Table, number

SMALL = ("dim=[8,8,8,8]", "heads=[1,1,1,1]", "head.dim=8")


def size(picture: Image) -> tuple[int, int]:
    assert picture.data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture.data[16:24])
    return width, height


def test_a_listing_leaves_out_what_only_files_have_room_for() -> None:
    columns = (Column("a", ("a",)), Column("b", ("b",), files_only=True))
    table = Table("t", columns, [(number(1), number(2))], notes=("a note",))
    assert show.listing(table).data.splitlines()[:3] == ["| a |", "| ---: |", "| 1 |"]
    assert "a note" in show.listing(table)._repr_markdown_()


def test_words_are_plain() -> None:
    from rich.text import Text

    assert show.say(Text("bold", style="bold")).data == "bold"


def test_unknown_results_and_models_name_the_nearest() -> None:
    with pytest.raises(InputError, match="nearest: 'cmt_components"):
        show.measured("cmt_component")
    with pytest.raises(InputError, match="nearest: 'CMT-Ti"):
        show.sources(standings(read_counts()), "CMT-T")


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="nothing was measured"):
        show.picture(lambda: None)


@pytest.mark.slow
def test_pictures_of_what_was_published(tmp_path: Path) -> None:
    found = standings(read_counts())
    path = tmp_path / "peers.pdf"
    width, height = size(show.standings(found, own={"mine": (1.9e9, 80.4)}, save=path))
    assert width > height > 300
    assert path.read_bytes().startswith(b"%PDF")
    with pytest.raises(InputError, match="--format: unknown 'jpg'"):
        show.standings(found, save=tmp_path / "peers.jpg")
    assert "CMT.pytorch" in show.sources(found, "CMT-Ti").data


@pytest.mark.slow
def test_pictures_from_inside() -> None:
    model = build(spec("cmt_digits", *SMALL))
    image = torch.rand(3, 8, 8)
    assert size(show.features(model, image, channels=2))[0] > 100
    assert size(show.biases({"one": model}, stage=1, row=0, column=1))[0] > 100
    assert size(show.fields({"one": model}, image[None]))[0] > 100
    without = build(spec("cmt_digits", *SMALL, "position=none"))
    with pytest.raises(InputError, match="stage 1 has no attention bias"):
        show.biases({"none": without}, stage=1, row=0, column=0)


def test_what_only_a_checkout_has_is_said_without_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "CHECKOUT", None)
    for ask in (read_counts, lambda: show.measured("norm"), lambda: show.contract("wide", "wide")):
        with pytest.raises(InputError, match="checkout of the project only"):
            ask()
