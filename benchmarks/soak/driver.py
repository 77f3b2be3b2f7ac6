"""One sweep, as a command runs it: `python -m benchmarks.soak.driver PLAN.json FOLDER [RAY]`."""

import signal
import sys
from pathlib import Path

from workbench.errors import InputError


def main(plan: Path, folder: Path, ray: str = "") -> int:
    """The exit code that the command line would give; workers here, or on the Ray at `ray`."""
    try:
        from workbench.engine import LOCAL, EngineChoice
        from workbench.plans.resolution import Plan  # as commands import: Ctrl-C may come meanwhile
        from workbench.runs.sweep import SweepOptions, run_sweep

        options = SweepOptions(
            jobs=2, device="cpu", reuse=None, fit="benchmarks.soak.fit:fit",
            where=EngineChoice("ray", ray) if ray else LOCAL,
        )  # fmt: skip
        read = Plan.model_validate_json(plan.read_bytes())
        return run_sweep(read, folder, options).exit_code
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # as the command line does
        return 130


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
