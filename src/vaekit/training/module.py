"""The one LightningModule: any model of five parts, any objective."""

from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from vaekit.errors import NonFiniteError
from vaekit.inputs import Batch, to_model
from vaekit.model import VAE
from vaekit.noise import seed_noise
from vaekit.objectives import Terms
from vaekit.training.batches import Batches
from vaekit.training.stages import Stage

COLUMNS = ("loss", "reconstruction", "divergence")


class Training(LightningModule):
    """One stage of training: one update per batch, with sums, not logs, on the way."""

    def __init__(self, model: VAE, stage: Stage, batches: Batches, seed: int):
        super().__init__()
        self.model, self.stage, self.batches, self.seed = model, stage, batches, seed
        self.updates = len(batches) * stage.epochs
        learning = [part for name, part in model.named_children() if name in stage.learns]
        self.annealed = [module for part in learning for module in part.modules() if hasattr(module, "advance")]
        self.register_buffer("sums", torch.zeros(len(COLUMNS) + 1, dtype=torch.float64))
        self.sums: Tensor
        self.row: dict[str, float] = {}  # of the epoch that has just ended

    def configure_optimizers(self) -> Any:
        optimizer = self.stage.optimizer([p for p in self.model.parameters() if p.requires_grad])

        def factor(step: int) -> float:
            return self.stage.schedule(min(1.0, (step + 0.5) / self.updates))  # midpoints: no update is made at a rate of zero

        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def train(self, mode: bool = True) -> "Training":
        super().train(mode)
        for part in self.stage.frozen(self.model):
            part.eval()
        return self

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        seed_noise(self.seed, self.global_step)
        for module in self.annealed:
            module.advance(min(1.0, self.global_step / self.updates))  # pyright: ignore[reportCallIssue]

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        x = to_model(batch.x, self.model, self.batches.inputs.transform)
        condition = () if batch.y is None else (batch.y,)
        terms = self.stage.objective(self.model, x, *condition, step=self.global_step)
        if not torch.isfinite(terms.loss):
            raise NonFiniteError(self._where(_first_non_finite(terms)))
        self._add(terms)
        return terms.loss

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if not torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
            raise NonFiniteError(self._where("the gradient"))

    def on_train_epoch_start(self) -> None:
        self.sums.zero_()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["batches"] = self.batches.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.batches.load_state_dict(checkpoint["batches"])  # Lightning restores a loader within an epoch, not between two

    def means(self) -> dict[str, float]:
        """The means per row over the epoch so far."""
        *sums, rows = self.sums.tolist()
        return {name: value / max(rows, 1) for name, value in zip(COLUMNS, sums, strict=True)}

    @torch.no_grad()
    def _add(self, terms: Terms) -> None:
        rows = terms.log_likelihood.shape[1]
        values = torch.stack(
            [terms.loss, terms.reconstruction.mean(), terms.divergence.sum(-1).mean(), terms.loss.new_ones(())]
        )
        self.sums += rows * values.detach()

    def _where(self, what: str) -> str:
        batches = self.batches
        rows = ", ".join(map(str, batches.rows()[:3]))
        return (
            f"{what} is not finite at step {self.global_step} (epoch {self.current_epoch + 1}, batch {batches.position} of "
            f"{len(batches)}, rows {rows}, ... of the data): weights of earlier epochs, if any, are kept; "
            "try a lower optimizer.lr, training.clip=1, or data on a smaller scale"
        )


def _first_non_finite(terms: Terms) -> str:
    names = [name for name, value in terms.named().items() if name != "loss" and not torch.isfinite(value).all()]
    return names[0] if names else "loss"
