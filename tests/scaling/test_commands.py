"""What the commands print: the same numbers for people and, unrounded, as JSON."""

import json
from io import StringIO

import pytest
from rich.console import Console

from workbench.cost import closed_form
from workbench.errors import InputError
from workbench.models import spec
from workbench.scaling.commands import RawAndText, exponents_command, scale_command, table_command
from workbench.show.terminal import view


def printed(output: RawAndText, width: int = 140) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(view(output.printout))
    json.dumps(output.data, allow_nan=False)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_scale_prints_ideal_rounded_and_how_to_have_it() -> None:
    output = scale_command("cmt_s", phi=1)
    text = printed(output)
    assert "257.6" in text  # the ideal side
    assert "3.6-3.6-19.2-3.6" in text
    assert "4-4-19-4" in text
    assert f"{output.data['macs']:,}" in text
    assert "workbench cost cmt_s resolution=256 'depth=[4,4,19,4]'" in text
    network = spec("cmt_s", *output.data["overrides"])
    assert closed_form(network).macs == output.data["macs"]
    assert output.data["growth"] == output.data["macs"] / output.data["base_macs"]


def test_a_narrow_terminal_loses_no_size() -> None:
    text = printed(scale_command("cmt_s", phi=1), width=80)
    assert "…" not in text
    assert "83.2-166.4-332.8-665.6" in text


def test_scale_takes_overrides_constants_and_a_rounding_rule() -> None:
    output = scale_command(
        "cmt_s", ["lpu=none"], phi=2, alpha=1.1, beta=1.0, gamma=1.0, rounding=["depth=up"]
    )
    assert output.data["sizes"]["rounded"]["depth"] == (4, 4, 20, 4)
    assert output.data["rounding"]["depth"] == "up"
    assert output.data["base"] == "cmt_s lpu=none"


def test_scale_of_the_base_says_nothing_of_constants_after_rounding() -> None:
    text = printed(scale_command("cmt_s", phi=0))
    assert "After rounding" not in text
    assert "anywhere else" not in text


def test_table_has_a_block_for_each_model_and_marks_what_differs() -> None:
    text = printed(table_command())
    for model in ("cmt_ti", "cmt_xs", "cmt_s", "cmt_b"):
        assert f"{model}: as published" in text
    assert "differs" in text
    assert "ggjy/CMT.pytorch" in text


def test_exponents_stand_beside_the_papers() -> None:
    output = exponents_command("cmt_s")
    text = printed(output)
    assert [each["paper"] for each in output.data] == [1.0, 1.5, 2.0]
    for each in output.data:
        assert f"{each['exponent']:.3f}" in text
    assert "Constraint surface: alpha^0.9" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"base": "cmt_x"}, "nearest"),
        ({"base": "cmt_s", "alpha": 0.5}, "alpha: 0.5 is refused"),
        ({"base": "cmt_s", "phi": -10}, "phi: -10 is too low"),
        ({"base": "cmt_s", "rounding": ["depth"]}, "rounding.depth"),
    ],
)
def test_bad_input_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        scale_command(**arguments)  # type: ignore[arg-type]
