"""Training, described: data, augmentation, optimiser, schedule, teacher, task."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from workbench.config.fields import (
    Count,
    Flag,
    Frozen,
    Natural,
    NonNegative,
    Positive,
    Rate,
    Share,
    Width,
)


class DataConfig(Frozen):
    """Which images, and how many of them. The side they are brought to is the spec's."""

    name: str = "digits"
    path: str | None = None
    download: Flag = False
    train_size: Count | None = None  # a stratified subset of the training images; None: all
    test_size: Count | None = None
    subset_seed: Natural = 0
    # Only these classes of the set, by their numbers, in this order; None: all.
    classes: Annotated[tuple[Natural, ...], Field(min_length=2)] | None = None
    workers: Natural = 0
    memory_limit_mb: Count = 2048  # sets that decode to no more than this live in memory as uint8
    bad_images: Literal["convert", "skip", "fail"] = "convert"
    # The share of the training images that choices are made on, cut after train_size; None: none.
    validation: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None


class Augment(Frozen):
    """What is done to a training batch. Names and meanings as in timm."""

    crop_padding: Natural = 0  # pixels, reflect; for small images held in memory
    random_resized_crop: Flag = False  # ImageNet style, for image folders
    crop_scale: Share = 0.08
    hflip: Share = 0.0
    color_jitter: NonNegative = 0.0  # refused beside randaugment, where timm drops it
    randaugment: str | None = None  # timm's notation, such as "rand-m9-mstd0.5-inc1"
    random_erasing: Share = 0.0
    mixup: NonNegative = 0.0  # alpha of the Beta distribution; 0 is off
    cutmix: NonNegative = 0.0
    mixup_prob: Share = 1.0
    mixup_switch_prob: Share = 0.5
    repeats: Count = 1  # repeated augmentation: copies of an image within an epoch
    interpolation: Literal["bilinear", "bicubic"] = "bicubic"
    # Evaluation: the central share of an image's shorter side; 0.875 goes with resized crops.
    crop_pct: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0


class Optimiser(Frozen):
    """A timm optimiser and its settings."""

    name: str = "adamw"
    lr: Positive = 1e-3
    lr_batch: Count | None = None  # lr is for this batch size and scales linearly; None: as it is
    weight_decay: NonNegative = 0.05  # not on norms, biases and position tables
    beta1: Rate = 0.9
    beta2: Rate = 0.999
    eps: Positive = 1e-8
    momentum: Rate = 0.9
    clip_grad: Positive | None = None  # norm
    # The factor of lr from each layer to the one before it, as timm has it; None: one lr for all.
    layer_decay: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None


class Schedule(Frozen):
    """The learning rate over the epochs."""

    name: Literal["cosine", "constant"] = "cosine"
    warmup_epochs: NonNegative = 0
    warmup_lr: NonNegative = 1e-6
    min_lr: NonNegative = 1e-5


class Evaluate(Frozen):
    """What a run's curve is drawn from; its score is of all test images, once, at its end.

    The images are validation images where the recipe has some, else test images. What is None is
    chosen from the sizes of the run, so that evaluation takes about a tenth of its time at most.
    """

    every: Count | None = None  # epochs from one point of the curve to the next
    images: Count | None = None  # of each point but the last; a stratified subset


class Weights(Frozen):
    """A file of weights; a folder stands for the weights that a run, or `wb.save`, left in it.

    `sha256` is the file's. It is filled in when a plan is resolved, and stands in a run's id in
    place of the path.
    """

    weights: str | None = None
    sha256: str | None = None

    def document(self) -> dict[str, object]:
        """What enters a run's id."""
        idle = {"keep_logits", *(("weights",) if self.sha256 else ())}
        return self.model_dump(mode="json", exclude=idle, exclude_defaults=True)


TAUGHT = {  # settings of a teacher, and the kinds that they act in
    "alpha": ("hard", "soft"),
    "tau": ("soft",),
    "keep_logits": ("hard", "soft"),
    "token_weight": ("tokens",),
    "mix_token": ("tokens",),
}


class Teacher(Weights):
    """A trained network that teaches the one in training.

    `hard` and `soft` are DeiT's distillation (arXiv:2012.12877): `alpha` is the share of the
    teacher's loss, `tau` the temperature. `tokens` is token labelling (arXiv:2104.10858), as VOLO
    trains: the teacher scores each position of its map.
    """

    spec: str | tuple[str, ...] | None = None  # zoo entry, [entry, override, ...] or timm:NAME
    kind: Literal["hard", "soft", "tokens"] = "hard"
    alpha: Share = 0.5
    tau: Positive = 1.0
    token_weight: NonNegative = 0.5  # of the loss of the dense output
    mix_token: Flag = True  # a box of positions is exchanged between two images
    keep_logits: Flag = False  # on disk, for all runs that see the same images; changes no number

    @model_validator(mode="after")
    def _only_what_acts(self) -> Self:
        self._refuse_idle("kind", TAUGHT)
        return self


def _as_weights(value: object) -> object:
    return {"weights": value} if isinstance(value, str) else value


OVER_MAPS: dict[str, tuple[str, ...]] = {  # the models of a task, the usual one first
    "classify": (),
    "detect": ("retinanet", "mask_rcnn"),
    "segment": ("fpn", "upernet"),
}
ACTING = {  # settings of a task, and the tasks that they act in
    "channels": ("detect", "segment"),
    "stages": ("detect", "segment"),
    "anchor": ("detect",),
    "norm": ("detect",),
}


class Task(Frozen):
    """What is learned and, but for the classes of whole images, what stands over the maps."""

    name: Literal["classify", "detect", "segment"] = "classify"
    # retinanet or mask_rcnn, fpn or upernet; None: retinanet, fpn
    model: Literal["retinanet", "mask_rcnn", "fpn", "upernet"] | None = None
    channels: Width = 256  # of the pyramid
    stages: tuple[Natural, ...] | None = None  # that give the maps; None: the last of each stride
    anchor: Positive | None = None  # side of a level's smallest anchors over its stride
    norm: Flag = False  # GroupNorm in the pyramid and the heads of a detector

    @model_validator(mode="after")
    def _only_what_acts(self) -> Self:
        models = OVER_MAPS[self.name]
        if self.model is not None and self.model not in models:
            raise ValueError(f"{self.name} has no model {self.model}; choose from {list(models)}")
        self._refuse_idle("name", ACTING)
        return self

    @property
    def chosen(self) -> str:
        """The model, resolved."""
        return self.model or next(iter(OVER_MAPS[self.name]), "")


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int) else value  # 32, as YAML reads it


class Recipe(Frozen):
    """Everything about training that is not the network."""

    name: str = "custom"
    task: Task = Task()
    data: DataConfig = DataConfig()
    epochs: Count = 10
    batch_size: Count = 64
    optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    augment: Augment = Augment()
    label_smoothing: Rate = 0.0
    ema_decay: Rate | None = None
    # Left out: bf16 on a GPU, 32 bits elsewhere. A plan that says auto has a trial choose.
    precision: Annotated[Literal["auto", "32", "bf16"], BeforeValidator(_as_text)] = "auto"
    compile: Flag | Literal["auto"] = False  # training steps, by torch.compile; auto: likewise
    checkpoint_every: Count = 1  # epochs
    evaluate: Evaluate = Evaluate()
    teacher: Teacher | None = None
    # Weights to begin from, of another resolution or number of classes too; a path will do.
    init: Annotated[Weights | None, BeforeValidator(_as_weights)] = None
    freeze: Literal["none", "body"] | Count = "none"  # body: all but the head; n: n first stages

    @model_validator(mode="after")
    def _compiled_where_it_acts(self) -> Self:
        if self.compile is not False and (self.task != Task() or self.teacher is not None):
            raise ValueError(
                "compile acts on classifiers that labels alone teach; leave it out beside task and "
                "teacher"
            )
        return self

    def document(self) -> dict[str, Any]:
        """What a run's id is made of: all but the name, and no later key that is at its default.

        `evaluate` came later, and with it the curve of a run that has the default is of fewer
        images. The id stays all the same: an id stands for the numbers that are compared, and the
        score is as before that of all test images at the last epoch, from the same weights, since
        evaluation draws nothing from the streams of training. A value that is set enters, because
        pruning sees the curve; so does `validation`, which takes images away from training.
        """
        document = self.model_dump(mode="json", exclude={"name", "teacher", "init"})
        if self.task == Task():
            del document["task"]
        if self.evaluate == Evaluate():
            del document["evaluate"]
        if self.freeze == "none":
            del document["freeze"]
        if self.compile is False:
            del document["compile"]
        for part, key in (
            ("data", "validation"),
            ("data", "classes"),
            ("optimiser", "layer_decay"),
        ):
            if document[part][key] is None:
                del document[part][key]
        return document | {key: each.document() for key, each in self.weights().items()}

    def weights(self) -> "dict[str, Weights]":
        """The files of weights that it names, by its keys."""
        named = {"teacher": self.teacher, "init": self.init}
        return {key: each for key, each in named.items() if each is not None}
