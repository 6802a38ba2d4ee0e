"""One stage of training: its updates, the sums over an epoch, and all of its state that a checkpoint keeps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.core.vae import VAE
from vaekit.errors import NonFiniteError
from vaekit.inputs import Batch, to_model
from vaekit.objectives import Terms
from vaekit.runtime.device import compile_long_training
from vaekit.runtime.distributed import process_context, sync_batch_norm
from vaekit.runtime.seeding import seed_noise
from vaekit.training.batches import Batches
from vaekit.training.processes import Processes
from vaekit.training.stages import Stage

COLUMNS = ("loss", "reconstruction", "divergence")
VALIDATED = (*COLUMNS, "bound")  # the last where the objective is judged by it
CHECK_EVERY = {"cpu": 1, "cuda": 50}  # updates: to look at a number on a GPU is to wait for it


class StageTrainer:
    """One update per batch, with sums, not logs, on the way.

    All `processes` do the same, each on its share of the batch. mixed: whether nets compute in bfloat16.
    """

    def __init__(
        self,
        processes: Processes,
        model: VAE,
        stage: Stage,
        batches: Batches,
        *,
        mixed: bool = False,
    ):
        self.processes, self.model, self.stage, self.batches, self.mixed = (
            processes,
            model,
            stage,
            batches,
            mixed,
        )
        self.loss = processes.wrap(_Loss(model, stage.objective))
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self.optimizer = stage.optimizer(self.parameters)
        self.rates = [group["lr"] for group in self.optimizer.param_groups]
        self.total_steps = len(batches) * stage.epochs
        self.step = self.epoch = self.epochs_without_improvement = 0
        self.check_every, self.nonfinite = (
            CHECK_EVERY[processes.device.type],
            torch.zeros((), device=processes.device),
        )
        if not getattr(
            stage.objective, "warmup", 0
        ):  # each weight of a warm-up would be a graph of its own
            compile_long_training(self.loss, processes.device, self.total_steps)
        self.sums = torch.zeros(len(COLUMNS) + 1, dtype=torch.float64, device=processes.device)
        learning = [part for name, part in model.named_children() if name in stage.trainable]
        self.annealed = [
            module for part in learning for module in part.modules() if hasattr(module, "anneal")
        ]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or as many as patience allows have brought nothing better."""
        patience = self.stage.patience
        return self.epoch >= self.stage.epochs or (
            patience is not None and self.epochs_without_improvement >= patience
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """The model as it is while its weights change."""
        self.model.train()
        for part in self.stage.frozen(self.model):
            part.eval()
        with process_context(self.processes.process), sync_batch_norm(self.model):
            yield

    def update(self, batch: Batch) -> None:
        """One update of the weights; NonFiniteError, on a CPU before it reaches them, for a loss that is not finite."""
        seed_noise(self.batches.seed, self.step)
        for module in self.annealed:
            module.anneal(min(1.0, self.step / self.total_steps))  # pyright: ignore[reportCallIssue]
        self._set_rate()
        x = to_model(batch.x, self.model, self.batches.inputs.transform)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed):
            loss, terms = self.loss(x, batch.y, self.step)
        for p in self.parameters:
            p.grad = None
        loss.backward()
        self.nonfinite = self.nonfinite + 0 * self._size(
            loss
        )  # from the first NaN or infinity on it is NaN
        if self.step % self.check_every == 0 and self.nonfinite.isnan():
            raise NonFiniteError(self._where(terms))
        self.optimizer.step()
        self.step += 1
        self._add(terms)

    def means(self) -> dict[str, float]:
        """The means per row over the epoch so far, of this process's rows."""
        return means(self.sums)

    def check(self) -> None:
        """NonFiniteError where the losses or the weights are not finite: to be called before weights are kept."""
        if self.nonfinite.isnan() or not self._weights_finite():
            raise NonFiniteError(self._where(None))

    def state_dict(self) -> dict[str, Any]:
        return {
            "state_dict": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "batches": self.batches.state_dict(),
            "sums": self.sums,
            **{
                name: getattr(self, name)
                for name in ("step", "epoch", "epochs_without_improvement")
            },
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["state_dict"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batches.load_state_dict(state["batches"])
        self.sums.copy_(state["sums"])
        self.step, self.epoch, self.epochs_without_improvement = (
            state["step"],
            state["epoch"],
            state["epochs_without_improvement"],
        )

    def _set_rate(self) -> None:
        factor = self.stage.schedule(
            min(1.0, (self.step + 0.5) / self.total_steps)
        )  # midpoints: no update at a rate of zero
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = factor * rate

    def _size(self, loss: Tensor) -> Tensor:
        """A number that is finite where the loss is; where gradients must be read, theirs before they are clipped.

        Of several processes it is the same for all, who stop together. A gradient that is not finite though the loss is, is
        found by the next one's: to look for it in each update takes a tenth of a small net's time.
        """
        if self.stage.grad_clip_norm is not None:
            return nn.utils.clip_grad_norm_(self.parameters, self.stage.grad_clip_norm)
        if self.processes.process.world_size > 1:
            return nn.utils.get_total_norm([p.grad for p in self.parameters if p.grad is not None])
        return loss.detach()

    def _weights_finite(self) -> bool:
        return all(bool(p.isfinite().all()) for p in self.parameters)

    @torch.no_grad()
    def _add(self, terms: Terms) -> None:
        rows = terms.log_likelihood.shape[1]
        values = [
            terms.loss,
            terms.reconstruction.mean(),
            terms.divergence.sum(-1).mean(),
            terms.loss.new_ones(()),
        ]
        self.sums.add_(torch.stack(values), alpha=rows)

    def _where(self, terms: Terms | None) -> str:
        what, batches = "the loss" if terms is None else _first_non_finite(terms), self.batches
        what = what if self._weights_finite() else "a weight"
        rows = ", ".join(map(str, batches.rows()[:3]))
        return (
            f"{what} is not finite at step {self.step} (epoch {self.epoch + 1}, batch {batches.position} of {len(batches)}, "
            f"rows {rows}, ... of the data): weights of earlier epochs, if any, are kept; "
            "try a lower optimizer.lr, training.grad_clip_norm=1, or data on a smaller scale"
        )


class _Loss(nn.Module):
    """The objective as a module, for what wraps modules to spread them over processes."""

    def __init__(self, model: VAE, objective: Any):
        super().__init__()
        self.model, self._objective = (
            model,
            (objective,),
        )  # in a tuple: an objective that is a module does not learn

    def forward(self, x: Tensor, y: Tensor | None, step: int) -> tuple[Tensor, Terms]:
        terms = self._objective[0](self.model, x, *(() if y is None else (y,)), step=step)
        return terms.loss, terms  # the loss apart, where what spreads it over processes finds it


def means(sums: Tensor) -> dict[str, float]:
    """From sums of the columns over rows, and the number of rows behind them, to means."""
    *values, rows = sums.tolist()
    return {name: value / max(rows, 1) for name, value in zip(VALIDATED, values, strict=False)}


def _first_non_finite(terms: Terms) -> str:
    found = [
        name
        for name, value in terms.named().items()
        if name != "loss" and not torch.isfinite(value).all()
    ]
    return next(iter(found), "the gradient" if torch.isfinite(terms.loss) else "loss")
