"""What the shell is told to complete with."""

import os
import subprocess
import sys

import pytest

from workbench.cli import complete
from workbench.models import SLOTS, ZOO
from workbench.models.registry import options_of
from workbench.models.spec import NETWORK_FIELDS, STAGE_FIELDS


def test_completion_knows_every_network_and_plan() -> None:
    assert set(complete.networks("")) == set(ZOO)
    assert "quickstart" in complete.plans("")
    assert complete.networks("cmt_t") == ["cmt_ti"]
    assert complete.studies("scaling") == ["scaling_study"]
    assert "scaling_study" not in complete.plans("")


def test_completion_knows_every_slot_component_and_option() -> None:
    assert set(complete.slots()) == set(SLOTS)
    assert set(complete.fields()) == {*STAGE_FIELDS, *NETWORK_FIELDS}
    for slot, known in SLOTS.items():
        assert set(complete.components(slot)) == {n for n in known if not n.endswith("of_test")}
        taken = {key for name in known for key in options_of(slot, name).model_fields}
        assert set(complete.options(slot)) == taken


@pytest.mark.slow
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("workbench cost cmt_t", "cmt_ti"),
        ("workbench cost cmt_s mixer.ker", "mixer.kernel="),
        ("workbench scale cmt_s mixer=l", "mixer=levit mixer=lmhsa"),
        ("workbench cost cmt_s heads=3 lpu =", "dwconv none"),  # as bash splits lpu=
        ("workbench cost cmt_s lpu = no", "none"),
        ("workbench study scal", "scaling_study"),
    ],
)
def test_the_shell_is_told_the_completions(typed: str, offered: str) -> None:
    words = {
        "_WORKBENCH_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from workbench.cli import app; app(prog_name='workbench')"],
        env=os.environ | words, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.split() == offered.split()
