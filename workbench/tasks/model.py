"""The detector or the segmenter that a recipe's task names."""

from torch import nn

from workbench.config import Colour, Task
from workbench.models.network import Network
from workbench.tasks.detector import detector
from workbench.tasks.segmenter import segmenter


def task_model(
    task: Task, network: Network, classes: int, mean: Colour, std: Colour, seed: int = 0
) -> nn.Module:
    """What stands over `network`, which loses its head; its own weights are drawn from `seed`.

    Images keep their size. Raises `InputError` as `detector` and `segmenter` do.
    """
    if task.name == "segment":
        return segmenter(
            network, task.chosen, classes=classes, out_indices=task.stages,
            channels=task.channels, mean=mean, std=std, seed=seed,
        )  # fmt: skip
    made: nn.Module = detector(
        network, task.chosen, classes=classes, out_indices=task.stages, channels=task.channels,
        anchor=task.anchor, norm=task.norm, resize=None, mean=mean, std=std, seed=seed,
    )  # fmt: skip
    return made
