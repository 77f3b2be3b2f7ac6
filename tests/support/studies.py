"""Studies of a real space, with a fit that says at once what a network is worth."""

from pathlib import Path
from typing import Any

from tests.support import study_fits
from tests.support.inline import INLINE
from tests.support.sweeps import quiet
from workbench.study.file import parse_study
from workbench.study.run import StudyOptions, StudyResult, run_study
from workbench.study.space import Study, resolve_study

FILE: dict[str, Any] = {
    "name": "digits",
    "base": "cmt_digits",
    "set": {
        "resolution": 24, "depth": [2, 4], "dim": [16, 32], "heads": [1, 2], "stride": [2, 2],
        "mixer.k": [2, 1], "stem.dim": 8, "stem.stride": 2,
    },
    "rounding": {"depth": "total"},
    "recipe": {"base": "digits", "epochs": 4},
    "seeds": [0, 1],
    "trials": 6,
    "sampler": {"name": "tpe", "startup": 3},
}  # fmt: skip


def study(**changes: Any) -> Study:
    return resolve_study(parse_study({**FILE, **changes}))


def options(fit: str = "quick", **fields: Any) -> StudyOptions:
    path = f"{study_fits.__name__}:{fit}"
    given = {"jobs": 1, "device": "cpu", "where": INLINE, **fields, "fit": path}
    return StudyOptions(**given)


def run(
    folder: Path, fit: str = "quick", study_: Study | None = None, **fields: Any
) -> StudyResult:
    return run_study(study_ or study(), folder, options(fit, **fields), quiet())
