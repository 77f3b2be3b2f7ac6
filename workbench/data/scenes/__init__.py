"""Images with boxes or masks: sets of them, and the batches that detectors and segmenters take."""

from collections.abc import Callable
from functools import lru_cache

from workbench.config import DataConfig, Task
from workbench.data.scenes.coco import coco
from workbench.data.scenes.mask_folder import mask_folder
from workbench.data.scenes.scattered import scattered_digits
from workbench.data.scenes.scene import Scene, Scenes
from workbench.errors import InputError

__all__ = ["SCENES", "Scene", "Scenes", "check_scenes", "open_scenes", "outputs", "refuse_scenes"]

SCENES: dict[str, Callable[[DataConfig], Scenes]] = {
    "scattered_digits": scattered_digits,
    "coco": coco,
    "mask_folder": mask_folder,
}


@lru_cache(maxsize=2)
def open_scenes(config: DataConfig) -> Scenes:
    """The set that `config` names. Raises `InputError` for one that can't be used."""
    return SCENES[config.name](config).subset(config)


def refuse_scenes(config: DataConfig) -> None:
    """Raises `InputError` for a set with boxes or masks, of which no classifier is trained."""
    if config.name in SCENES:
        raise InputError(
            f"{config.name!r} has boxes or masks; it goes with task: detect or segment",
            key="data.name",
        )


def check_scenes(config: DataConfig, task: Task) -> Scenes:
    """The set, which has what `task` needs. Raises `InputError` where it has not."""
    if config.name not in SCENES:
        raise InputError(
            f"{config.name!r} has neither boxes nor masks, as task: {task.name} needs; choose "
            f"from: {', '.join(SCENES)}",
            key="data.name",
        )
    found = open_scenes(config)
    enough = {
        "retinanet": "boxes" in found.has,
        "mask_rcnn": {"boxes", "masks"} <= found.has,
    }.get(task.chosen, bool(found.has & {"masks", "classes"}))
    if not enough:
        raise InputError(
            f"{config.name!r} has {' and '.join(sorted(found.has))} alone, too little for"
            f" {task.chosen!r}",
            key="data.name",
        )
    return found


def outputs(scenes: Scenes, task: Task) -> int:
    """Classes of a detector or a segmenter, the background among them where it is one of them."""
    if task.name == "segment":
        return scenes.pixel_classes
    return len(scenes.class_names) + (task.chosen == "mask_rcnn")
