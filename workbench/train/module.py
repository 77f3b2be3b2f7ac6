"""The Lightning module: loss, optimiser, schedule and averaged weights."""

from typing import TYPE_CHECKING, Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from workbench.config import Recipe
from workbench.train import optimiser
from workbench.train.schedule import learning_rate, peak
from workbench.train.teaching.frozen import rest
from workbench.train.teaching.objective import Labels, Objective

if TYPE_CHECKING:
    from timm.utils.model_ema import ModelEmaV3

Batch = tuple[Tensor, Any]  # images (B, 3, H, W), and targets of the task's own kind


class RunModule(pl.LightningModule):
    """A network under a recipe, whatever its task.

    Where the recipe averages weights, the test runs on the average. The loss is that of
    `objective`; by default, of the labels alone.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        steps_per_epoch: int,
        objective: Objective | None = None,
    ) -> None:
        super().__init__()
        self.network = network
        self.average = None if recipe.ema_decay is None else _average(network, recipe.ema_decay)
        self.recipe = recipe
        self.steps_per_epoch = steps_per_epoch
        self.lr = 0.0  # of the latest step
        self._objective = objective or Labels(recipe)
        self._highest = peak(recipe.optimiser, recipe.batch_size)
        self._optimiser: torch.optim.Optimizer | None = None

    @property
    def tested(self) -> nn.Module:
        """The network with the weights that are tested."""
        return self.network if self.average is None else self.average

    def forward(self, images: Any) -> Any:
        """What those weights say: of a classifier logits, (B, 3, H, W) -> (B, classes)."""
        return self.tested(images)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return optimiser.create(self.network, self.recipe.optimiser, self._highest)

    # ------------------------------------------------------------ training

    def on_train_start(self) -> None:
        made = self.optimizers(use_pl_optimizer=False)
        assert isinstance(made, torch.optim.Optimizer)
        self._optimiser = made
        rest(self.network)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        step = self.current_epoch * self.steps_per_epoch + batch_idx
        self.lr = learning_rate(
            self.recipe.schedule, self._highest, step, self.steps_per_epoch, self.recipe.epochs
        )
        assert self._optimiser is not None
        for group in self._optimiser.param_groups:
            group["lr"] = self.lr * group.get("lr_scale", 1.0)  # timm's, of a layer
        self._optimiser.zero_grad()

    def optimizer_zero_grad(self, *where: object) -> None:
        """Nothing: the old gradients went before the forward pass, as in a plain loop.

        Lightning calls this after it, when they would add to the peak of memory.
        """

    def configure_gradient_clipping(
        self,
        optimizer: torch.optim.Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """As Lightning does it in 32 bits, in bf16 too.

        There it refuses fused optimisers, lest they undo the scaling of gradients after they were
        clipped; that is float16's, and bf16 has none.
        """
        if gradient_clip_val is not None:
            parameters = [each for group in optimizer.param_groups for each in group["params"]]
            nn.utils.clip_grad_norm_(parameters, gradient_clip_val)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        images, targets = batch
        return self._objective(self.network, images, targets, self.current_epoch, batch_idx)

    def on_train_batch_end(self, outputs: object, batch: Batch, batch_idx: int) -> None:
        if self.average is not None:
            self.average.update(self.network)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Averaged weights under the names that earlier versions gave them are taken, too."""
        state = checkpoint["state_dict"]
        for name in [name for name in state if name.startswith("average.network.")]:
            state[name.replace(".network.", ".module.", 1)] = state.pop(name)


def _average(network: nn.Module, decay: float) -> "ModelEmaV3":
    """A copy that follows the network: weights and the statistics of BN; counters are copied."""
    from timm.utils.model_ema import ModelEmaV3  # timm takes half a second to import

    average = ModelEmaV3(network, decay=decay)
    average.train().requires_grad_(False)  # Lightning warns of modules in eval mode
    return average
