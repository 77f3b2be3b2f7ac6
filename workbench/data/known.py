"""The sets that can be fetched: what is known of them where they have not been fetched yet."""

from workbench.config import Count, DataConfig
from workbench.data.source import DataFacts, refuse_classes, refuse_more_than


class Known(DataFacts):
    """The side of the images, too; None: of several sizes."""

    side: Count | None


KNOWN = {
    "cifar10": Known(classes=10, side=32, train_size=50_000, test_size=10_000),
    "cifar100": Known(classes=100, side=32, train_size=50_000, test_size=10_000),
    "flowers102": Known(classes=102, side=None, train_size=2_040, test_size=6_149),
    "oxford_iiit_pets": Known(classes=37, side=None, train_size=3_680, test_size=3_669),
    "stanford_cars": Known(classes=196, side=None, train_size=8_144, test_size=8_041),
}


def stand_in(config: DataConfig) -> tuple[Known, DataConfig] | None:
    """The facts on a set, cut down as `config` says, and random images in its stead.

    None for a set of which nothing is known. Raises `InputError` for more images than there are.
    """
    whole = KNOWN.get(config.name)
    if whole is None:
        return None
    if config.classes is not None:
        whole = _of_classes(whole, config)
    sizes = {"train_size": config.train_size, "test_size": config.test_size}
    given = {key: size for key, size in sizes.items() if size is not None}
    for key, size in given.items():
        refuse_more_than(getattr(whole, key), size, config.name, key)
    if config.validation is not None:
        train = given.get("train_size", whole.train_size)
        given["validation_size"] = round(config.validation * train)
        given["train_size"] = train - given["validation_size"]
    update = {"name": "synthetic", "path": config.name, "workers": 0}
    return whole.model_copy(update=given), config.model_copy(update=update)


def _of_classes(whole: Known, config: DataConfig) -> Known:
    """As if the classes of a set shared its images alike, which those of flowers do not quite."""
    classes = config.classes or ()
    refuse_classes(classes, whole.classes, config.name)
    train, test = (
        size * len(classes) // whole.classes for size in (whole.train_size, whole.test_size)
    )
    return whole.model_copy(
        update={"classes": len(classes), "train_size": train, "test_size": test}
    )
