"""Published figures beside ours: found by name, never averaged, contradictions named."""

from decimal import Decimal

import pytest
from rich.console import Console

from workbench.cost.catalogue import ModelRow, model_rows, models_json
from workbench.cost.printouts import models_printout
from workbench.errors import InputError
from workbench.models import ZOO
from workbench.published import Figure, contradict, figures, imagenet, rows_of
from workbench.show.terminal import view


def _figures(*printed: str) -> list[Figure]:
    return [Figure(Decimal(text), ("source",), ()) for text in printed]


@pytest.mark.parametrize(
    ("printed", "contradictory"),
    [
        (("25.14", "25.1"), False),
        (("4.04", "4.0"), False),
        (("4.04", "4.09"), True),
        (("0.64", "0.65"), True),
        (("6", "5", "5.72"), True),
        (("4.0",), False),
        ((), False),
    ],
)
def test_figures_contradict_where_no_number_rounds_to_all(
    printed: tuple[str, ...], contradictory: bool
) -> None:
    assert contradict(_figures(*printed)) is contradictory


@pytest.mark.parametrize(
    ("printed", "measured", "agrees"),
    [("15.24", "15.247208", True), ("45.72", "45.715076", True), ("25.14", "26.256160", False)],
)
def test_agreement_is_to_the_printed_digits(printed: str, measured: str, agrees: bool) -> None:
    assert _figures(printed)[0].agrees(Decimal(measured)) is agrees


def test_every_source_of_a_model_stands_beside_the_others() -> None:
    found = figures(rows_of("cmt_s", 224), "gmacs")
    assert [str(figure.value) for figure in found] == ["4.04", "4.0", "4.09"]
    assert all(figure.sources for figure in found)


def test_other_implementations_under_the_name_stay_out() -> None:
    assert {row.model for row in rows_of("cmt_ti", 160)} == {"CMT-Ti"}
    assert "CMT-B (named CMT-L there)" in {row.model for row in rows_of("cmt_b", 256)}


def test_a_row_belongs_to_one_resolution() -> None:
    assert {row.resolution for row in rows_of("volo_d1", 224)} == {224}
    assert {row.resolution for row in rows_of("volo_d1_384", 384)} == {384}
    assert None in {row.resolution for row in rows_of("volo_d5", 224)}
    assert None not in {row.resolution for row in rows_of("volo_d5_512", 512)}


@pytest.mark.parametrize(
    ("name", "resolution", "model"),
    [
        ("levit_128", 224, "LeViT-128"),
        ("levit_384", 224, "LeViT-384"),
        ("deit_b", 384, "DeiT-B/384"),
        ("timm:tf_efficientnet_b4", 380, "EfficientNet-B4"),
        ("timm:efficientnet_b4", 380, "EfficientNet-B4"),
        ("timm:swin_tiny_patch4_window7_224", 224, "Swin-T"),
        ("timm:convit_small", 224, "ConViT-S"),
    ],
)
def test_a_model_is_found_under_its_published_name(name: str, resolution: int, model: str) -> None:
    assert {row.model for row in rows_of(name, resolution)} == {model}


def test_every_row_names_its_source() -> None:
    assert len(imagenet()) > 200
    assert all(row.source for row in imagenet())


@pytest.fixture(scope="module")
def rows() -> tuple[ModelRow, ...]:
    return model_rows()


def test_the_table_holds_the_whole_zoo(rows: tuple[ModelRow, ...]) -> None:
    assert sorted(row.name for row in rows) == sorted(ZOO)


def test_known_contradictions_are_visible(rows: tuple[ModelRow, ...]) -> None:
    by_name = {row.name: row for row in rows}
    assert set(by_name["cmt_ti"].contradictions) == {"gmacs", "top1"}
    assert "gmacs" in by_name["volo_d1"].contradictions
    assert by_name["cmt_digits"].contradictions == ()


def test_json_has_the_difference_unrounded(rows: tuple[ModelRow, ...]) -> None:
    listed = {model["name"]: model for model in models_json(rows)["models"]}
    first = listed["cmt_s"]["published"]["params_m"][0]
    assert first["printed"] == "25.14"
    assert first["difference"] == pytest.approx(1.11616, abs=1e-9)
    assert first["agrees"] is False
    assert listed["cmt_s"]["published"]["top1"][0]["difference"] is None


def test_published_counts_of_the_cmts_agree_but_for_cmt_s(rows: tuple[ModelRow, ...]) -> None:
    for row in rows:
        counted = row.counted("params_m")
        if row.family == "cmt" and counted is not None:
            printed = row.published["params_m"][0]  # the paper's own table
            assert printed.agrees(counted) is (row.name != "cmt_s")


def test_the_printed_table_shows_every_figure(rows: tuple[ModelRow, ...]) -> None:
    console = Console(width=140)
    with console.capture() as capture:
        console.print(view(models_printout([row for row in rows if row.family == "cmt"])))
    text = capture.get()
    for expected in ("4.04 (-0.01) ≠", "4.09 (-0.06) ≠", "25.14 (+1.12)", "26,256,160", "79.1 ≠"):
        assert expected in text


def test_a_family_is_a_filter() -> None:
    assert {row.family for row in model_rows("cmt")} == {"cmt"}
    assert [row.name for row in model_rows("cmt")] == ["cmt_ti", "cmt_xs", "cmt_s", "cmt_b"]
    with pytest.raises(InputError, match="family: unknown 'cmd'; nearest: 'cmt"):
        model_rows("cmd")
    with pytest.raises(InputError, match="model: unknown 'cmt_m'; nearest: 'cmt_"):
        model_rows("cmt", extra=["cmt_m"])


@pytest.mark.slow
def test_a_timm_model_stands_in_the_table() -> None:
    row = model_rows("cmt", extra=["timm:resnet50"])[-1]
    assert row.family == "timm"
    assert [str(figure.value) for figure in row.published["gmacs"]] == ["4.1", "4.11"]
