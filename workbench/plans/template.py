"""A commented plan to begin with."""

from pathlib import Path

from workbench.errors import InputError
from workbench.plans.shipped import SUFFIXES

DEFAULT = Path("my_plan.yaml")

TEXT = """\
# What one wants to know, in a line.
#
#   workbench ablate {file} --dry-run    # the runs, their cost, and how long they take here
#   workbench ablate {file}              # the same command again resumes
#
name: {name}                # the results go to results/{name}
question: What is the LPU worth, and what the IRFFN?
kind: list                  # rows are compared to the first; additive: to the row before.
                            # leave_one_out, one_factor, factorial, pairs, scaling make rows
seeds: [0, 1, 2]            # or {{min: 3, max: 12, stop: decided}}: more where undecided

# Training: a recipe by name (digits, cifar10_short, cifar10, cmt_s, ...), or one with changes.
recipe: {{base: digits, epochs: 10}}
# recipe: {{base: cifar10_short, data: {{download: true}}}}
# recipe: {{base: cifar10_short, data: {{name: folder, path: /data/images}}}}   # train/ and val/

# Where the rows begin: a zoo entry (`workbench models`), and what all of them change.
base: cmt_digits
# set: {{resolution: 32}}

# import: my_mixer          # my_mixer.py beside this file, which registers a component of your own
# metric: [top1, loss]      # what verdicts are about; top1 where nothing is said
# against: {{plain MLP: [CMT, without LPU]}}   # the rows that a row is compared to
# match: {{macs: 1%, adjust: width}}   # rows made as costly as the first one

# Every row has a name; `set` has overrides as on the command line, a list gives one per stage.
rows:
  - {{name: CMT}}
  - {{name: without LPU, set: {{lpu: none}}}}
  - {{name: plain MLP, set: {{ffn: mlp, ffn.ratio: 4}}}}
"""


def template(file: Path = DEFAULT) -> str:
    """The plan that `workbench new-plan` writes to `file`; it runs as it is."""
    return TEXT.format(file=file, name=file.stem)


def write_template(file: Path = DEFAULT) -> None:
    """Write it. Raises `InputError` for a file that is there, or can't be written or read back."""
    if file.suffix not in SUFFIXES:
        raise InputError(
            f"{str(file)!r} is refused: a plan ends in {' or '.join(SUFFIXES)}", key="file"
        )
    try:
        with file.open("x", encoding="utf-8") as out:
            out.write(template(file))
    except FileExistsError:
        raise InputError(
            f"{file} is there already; give the new plan another name", key="file"
        ) from None
    except OSError as error:
        raise InputError(f"{file} can't be written: {error.strerror}", key="file") from None
