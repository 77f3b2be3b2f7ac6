"""The job array of a plan: a script that a shell reads, and that asks for the right things."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checks import refused
from tests.support.sweeps import plan
from workbench.runs.exchange.job_array import job_array

SBATCH = """#!/bin/bash
echo "sbatch $*" >> asked.txt
tee script.txt > /dev/null
for place in 1 2 3; do
  case "$*" in (*--array=1-3*) SLURM_ARRAY_TASK_ID=$place bash script.txt ;; esac
done
case "$*" in (*--array=*) echo 17\\;cluster ;; (*) bash script.txt ;; esac
"""
WORKBENCH = """#!/bin/bash
echo "workbench $*" >> asked.txt
"""
GIVEN = {"partition": "gpu", "comment": "a b", "exclusive": ""}


def script(shares: int = 3) -> str:
    command = "workbench ablate 'my plan.yaml' --seeds 0,1"
    return job_array(plan(), Path("my results"), shares, command, GIVEN)


def test_a_shell_runs_each_share_and_then_the_merge(tmp_path: Path) -> None:
    for name, text in (("sbatch", SBATCH), ("workbench", WORKBENCH)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "my results" / "path-shard-1-of-3").mkdir(parents=True)
    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script()], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == 0
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    array, *shares, merge_job, merge = asked
    for words in ("--array=1-3", "--partition=gpu", "--comment=a b", "--exclusive", "--requeue"):
        assert words in array
    assert shares == [
        f"workbench ablate my plan.yaml --seeds 0,1 --shard {number}/3" for number in (1, 2, 3)
    ]
    assert "--dependency=afterany:17 " in merge_job
    assert merge == "workbench merge my results/path-shard-1-of-3 --into my results/path"


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    checked = subprocess.run(
        ["shellcheck", "-"], input=script(), text=True, capture_output=True, check=False
    )
    assert checked.stdout == ""


def test_what_can_not_be_shared_out_is_refused() -> None:
    race = plan(seeds={"min": 2, "max": 3, "stop": "decided"})
    refused(lambda: job_array(race, Path("results"), 2, "", {}), "--shard: ", "a race")
    refused(lambda: script(0), "--shards: 0 is refused")
