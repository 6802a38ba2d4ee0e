"""One stage of training: its steps, sums over an epoch, and the state for checkpoints."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict

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
from vaekit.training.optimizer_state import load_optimizer_tensors, optimizer_tensors
from vaekit.training.processes import Processes
from vaekit.training.stages import Stage

COLUMNS = ("loss", "reconstruction", "divergence")
VALIDATION_COLUMNS = (*COLUMNS, "bound")
"""The last only if the objective selects weights by the bound."""

CHECK_STEPS = {"cpu": 1, "cuda": 50}
"""Steps between two checks for finite losses: reading a value of a GPU waits for it."""

ADVICE = (
    "Weights of earlier epochs, if any, are kept; use a lower optimizer.lr, "
    "training.grad_clip_norm=1, or data on a smaller scale."
)


class TrainerState(TypedDict):
    """The state of a trainer in a checkpoint.

    Attributes:
        weights: The state dictionary of the model.
        optimizer: Tensors of the optimizer, as `<number of the parameter>.<name>`.
        sums: Sums of the current epoch.
        position: Counts of steps, epochs and batches.
    """

    weights: Mapping[str, Tensor]
    optimizer: Mapping[str, Tensor]
    sums: Tensor
    position: Mapping[str, Any]


class StageTrainer:
    """The steps of one stage, with sums of losses instead of logs.

    All processes do the same, each on its part of the batch.

    Args:
        processes: The processes of the run.
        model: The model, trained in place.
        stage: The stage.
        batches: Its batches.
        mixed_precision: Whether the nets compute in bfloat16.

    Attributes:
        step: The number of steps so far.
        epoch: The number of finished epochs.
        epochs_without_improvement: Epochs since the best one.
        total_steps: The number of steps of all epochs.
        sums: Sums of the loss and its terms over the examples of the epoch, and their number.
    """

    def __init__(
        self,
        processes: Processes,
        model: VAE,
        stage: Stage,
        batches: Batches,
        *,
        mixed_precision: bool = False,
    ):
        self.processes = processes
        self.model = model
        self.stage = stage
        self.batches = batches
        self.mixed_precision = mixed_precision

        self.step = 0
        self.epoch = 0
        self.epochs_without_improvement = 0
        self.total_steps = len(batches) * stage.epochs
        self.sums = torch.zeros(len(COLUMNS) + 1, dtype=torch.float64, device=processes.device)

        self._loss = processes.wrap(_LossModule(model, stage.objective))
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._optimizer = stage.optimizer(self._parameters)
        self._learning_rates = [group["lr"] for group in self._optimizer.param_groups]
        self._annealed = _annealed_modules(model, stage)
        self._check_steps = CHECK_STEPS[processes.device.type]
        self._nonfinite = torch.zeros((), device=processes.device)
        if not getattr(stage.objective, "warmup", 0):
            # Each weight of a warm-up would be compiled as a graph of its own.
            compile_long_training(self._loss, processes.device, self.total_steps)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or patience is exhausted."""
        patience = self.stage.patience
        if patience is not None and self.epochs_without_improvement >= patience:
            return True
        return self.epoch >= self.stage.epochs

    @property
    def awaits_validation(self) -> bool:
        """Whether all steps of the current epoch are done."""
        batches = self.batches
        return batches.epoch == self.epoch and batches.position >= len(batches)

    @contextmanager
    def train_mode(self) -> Iterator[None]:
        """Within the block only the trainable parts are in training mode."""
        self.model.train()
        for part in self.stage.frozen(self.model):
            part.eval()
        with process_context(self.processes.process), sync_batch_norm(self.model):
            yield

    def update(self, batch: Batch) -> None:
        """Update the weights once.

        Args:
            batch: Raw examples and their labels.

        Raises:
            NonFiniteError: The loss is not finite; on a CPU the weights are still finite then.
        """
        seed_noise(self.batches.seed, self.step)
        for module in self._annealed:
            progress = min(1.0, self.step / self.total_steps)
            module.anneal(progress)  # pyright: ignore[reportCallIssue]
        self._set_learning_rate()

        x = to_model(batch.x, self.model, self.batches.inputs.transform)
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.mixed_precision):
            loss, terms = self._loss(x, batch.y, self.step)

        for p in self._parameters:
            p.grad = None
        loss.backward()
        # From the first NaN or infinity on it is NaN.
        self._nonfinite = self._nonfinite + 0 * self._finite_if_valid(loss)
        if self.step % self._check_steps == 0 and self._nonfinite.isnan():
            raise self._nonfinite_error(terms)

        self._optimizer.step()
        self.step += 1
        self._add_terms(terms)

    def means(self) -> dict[str, float]:
        """Means of the loss and its terms over the examples of this process in this epoch."""
        return means(self.sums)

    def check_finite(self) -> None:
        """Raise NonFiniteError if the losses or the weights are not finite."""
        if self._nonfinite.isnan() or not self._has_finite_weights():
            raise self._nonfinite_error(None)

    def state_dict(self) -> TrainerState:
        """The state to continue from."""
        return {
            "weights": self.model.state_dict(),
            "optimizer": optimizer_tensors(self._optimizer),
            "sums": self.sums,
            "position": {
                "step": self.step,
                "epoch": self.epoch,
                "epochs_without_improvement": self.epochs_without_improvement,
                "batch_epoch": self.batches.epoch,
                "batch_position": self.batches.position,
            },
        }

    def load_state_dict(self, state: TrainerState) -> None:
        """Continue from a saved state; ValueError, before anything changes, if it does not fit."""
        load_optimizer_tensors(self._optimizer, state["optimizer"], self.stage.optimizer)
        self.model.load_state_dict(state["weights"])
        self.sums.copy_(state["sums"])
        position = state["position"]
        self.batches.move_to(position["batch_epoch"], position["batch_position"])
        self.step = position["step"]
        self.epoch = position["epoch"]
        self.epochs_without_improvement = position["epochs_without_improvement"]

    def _set_learning_rate(self) -> None:
        # The midpoint of the step: no step has a rate of zero.
        factor = self.stage.schedule(min(1.0, (self.step + 0.5) / self.total_steps))
        for group, rate in zip(self._optimizer.param_groups, self._learning_rates, strict=True):
            group["lr"] = factor * rate

    def _finite_if_valid(self, loss: Tensor) -> Tensor:
        """A scalar that is finite if the loss is; the norm of the gradients if they must be read.

        With several processes it is the same for all, so that they stop together. A gradient that
        is not finite although the loss is, is noticed by the next loss: reading it in each step
        takes a tenth of a small net's time.
        """
        if self.stage.grad_clip_norm is not None:
            return nn.utils.clip_grad_norm_(self._parameters, self.stage.grad_clip_norm)
        if self.processes.process.world_size > 1:
            gradients = [p.grad for p in self._parameters if p.grad is not None]
            return nn.utils.get_total_norm(gradients)
        return loss.detach()

    def _has_finite_weights(self) -> bool:
        return all(bool(p.isfinite().all()) for p in self._parameters)

    @torch.no_grad()
    def _add_terms(self, terms: Terms) -> None:
        count = terms.log_likelihood.shape[1]
        values = [
            terms.loss,
            terms.reconstruction.mean(),
            terms.divergence.sum(-1).mean(),
            terms.loss.new_ones(()),
        ]
        self.sums.add_(torch.stack(values), alpha=count)

    def _nonfinite_error(self, terms: Terms | None) -> NonFiniteError:
        name = "The loss" if terms is None else _first_nonfinite(terms)
        if not self._has_finite_weights():
            name = "A weight"
        batches = self.batches
        examples = ", ".join(map(str, batches.current_examples()[:3]))
        return NonFiniteError(
            f"{name} is NaN or infinite at step {self.step} (epoch {self.epoch + 1}, "
            f"batch {batches.position} of {len(batches)}, examples {examples}, ...). {ADVICE}"
        )


class _LossModule(nn.Module):
    """The objective as a module, which can be wrapped for several processes."""

    def __init__(self, model: VAE, objective: Any):
        super().__init__()
        self.model = model
        self._objective = (objective,)  # a tuple: an objective that is a module is not trained

    def forward(self, x: Tensor, y: Tensor | None, step: int) -> tuple[Tensor, Terms]:
        objective = self._objective[0]
        if y is None:
            terms = objective(self.model, x, step=step)
        else:
            terms = objective(self.model, x, y, step=step)
        return terms.loss, terms  # the loss separately, where DistributedDataParallel finds it


def means(sums: Tensor) -> dict[str, float]:
    """Means of columns from their sums over examples, followed by the number of examples."""
    *values, count = sums.tolist()
    pairs = zip(VALIDATION_COLUMNS, values, strict=False)
    return {name: value / max(count, 1) for name, value in pairs}


def _annealed_modules(model: VAE, stage: Stage) -> list[nn.Module]:
    """The modules of the trainable parts that change over training."""
    parts = [part for name, part in model.named_children() if name in stage.trainable]
    return [module for part in parts for module in part.modules() if hasattr(module, "anneal")]


def _first_nonfinite(terms: Terms) -> str:
    for name, value in terms.named().items():
        if name != "loss" and not torch.isfinite(value).all():
            return f"The {name}".replace("_", " ")
    return "The gradient" if torch.isfinite(terms.loss) else "The loss"
