"""A plan as a job array of Slurm: one job a share, and a last one that merges them."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from workbench.engine.slurm.options import grace_seconds
from workbench.errors import InputError
from workbench.plans.resolution import Plan
from workbench.runs.exchange.shard import MOST, Shard
from workbench.show.console import plural

SCRIPT = """\
#!/bin/bash
# {title}
# Where sbatch is: bash THIS_FILE. Given again, it goes on with what is not done.
# A job that is preempted is queued again, and one that meets its time limit ends {grace} s before
# it: both with checkpoints.
set -euo pipefail
mkdir -p {results}

shares=$(sbatch --parsable --job-name={name} --array=1-{of} --requeue --signal=B:TERM@{grace} \\
  --open-mode=append --output={log}{options} <<'SHARE'
#!/bin/bash
exec {command} --shard "${{SLURM_ARRAY_TASK_ID}}/{of}"
SHARE
)

sbatch --job-name={name}-merge --dependency="afterany:${{shares%%;*}}" \\
  --output={merge_log}{options} <<'MERGE'
#!/bin/bash
exec workbench merge {pattern} --into {whole}
MERGE
"""


def job_array(
    plan: Plan, results: Path, shares: int, command: str, slurm: Mapping[str, str]
) -> str:
    """The shell script. `command` trains the whole plan; `slurm` are further options of sbatch.

    Raises `InputError` for a plan or a number of shares that can't be.
    """
    if not 1 <= shares <= MOST:
        raise InputError(f"{shares} is refused: from 1 to {MOST:,} shares", key="--shards")
    Shard(1, shares).check(plan, None)
    whole = results / plan.name
    options = [f"--{key}={value}" if value else f"--{key}" for key, value in slurm.items()]
    return SCRIPT.format(
        title=f"{plan.name}: {plural(len(plan.runs()), 'run')} in {plural(shares, 'share')}",
        grace=grace_seconds(slurm),
        results=shlex.quote(str(results)),
        name=plan.name,
        of=shares,
        log=shlex.quote(f"{whole}-shard-%a-of-{shares}.log"),
        merge_log=shlex.quote(f"{whole}-merge.log"),
        options="".join(f" \\\n  {shlex.quote(option)}" for option in options),
        command=command,
        pattern=f"{shlex.quote(str(whole))}-shard-*-of-{shares}",
        whole=shlex.quote(str(whole)),
    )
