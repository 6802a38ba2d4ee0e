"""How a training went, in words: one check per problem."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from vaekit.evaluation.code_usage import CodeUsage
from vaekit.evaluation.results import TermMetrics
from vaekit.inference.bounds import ExampleTerms
from vaekit.runs.verdict import Finding

ACTIVE_NATS = 0.01
"""A latent dimension is active if its mean divergence on test examples is larger."""
COLLAPSED_NATS = 0.1
FEW_TRAINING_EXAMPLES = 200
FEW_TEST_EXAMPLES = 20
LAST_PART = 0.2
"""The part of the epochs at the end over which a loss may still be falling."""
STILL_FALLING = 0.1
"""Share of the whole descent of the loss within that part."""
USED_CODES = 0.5


@dataclass(frozen=True)
class LossCurves:
    """The losses of the epochs of a training, in nats per example.

    Attributes:
        training: The loss of each epoch.
        validation: The validation loss of each epoch.
        best_epoch: The epoch with the best validation metric, from 1.
        steps: The number of updates of the weights in all epochs.
    """

    training: Sequence[float]
    validation: Sequence[float]
    best_epoch: int
    steps: int


@dataclass(frozen=True)
class TrainingFacts:
    """Facts about a finished training that its verdict rests on.

    Attributes:
        losses: Its losses.
        examples: The number of examples of each split.
        warmup: Steps over which the weight of the divergence rises; 0 for none.
        terms: The loss terms of the test examples.
        metrics: Their means.
        usage: The use of codes by the test examples; None for a continuous code.
    """

    losses: LossCurves
    examples: Mapping[str, int]
    warmup: int
    terms: ExampleTerms
    metrics: TermMetrics
    usage: CodeUsage | None = None


def verdict(facts: TrainingFacts) -> tuple[Finding, ...]:
    """The problems of a training, the worst first; none if it went well."""
    texts = ((kind, check(facts)) for kind, check in CHECKS.items())
    return tuple(Finding(kind, text) for kind, text in texts if text is not None)


def active_dimensions(terms: ExampleTerms) -> int:
    """The number of latent dimensions with a mean divergence above 0.01 nats."""
    return int((terms.divergence.mean(0) > ACTIVE_NATS).sum())


def _collapse(facts: TrainingFacts) -> str | None:
    divergence = facts.terms.divergence
    if facts.usage is not None or not divergence.shape[1]:
        return None
    if float(divergence.sum(1).mean()) > COLLAPSED_NATS:
        return None
    dimensions = divergence.shape[1]
    return (
        f"Posterior collapse: {active_dimensions(facts.terms)} of {dimensions} latent dimensions "
        f"are active (divergence above {ACTIVE_NATS} nats), so codes say nothing about examples "
        "and all are decoded alike. Try components=true unless it is set, objective.warmup, "
        "objective.free_bits, another likelihood, or a lower optimizer.lr."
    )


def _inactive(facts: TrainingFacts) -> str | None:
    dimensions = facts.terms.divergence.shape[1]
    active = active_dimensions(facts.terms)
    if facts.usage is not None or active == dimensions or _collapse(facts):
        return None
    return (
        f"Inactive latent dimensions: {active} of {dimensions} are active (divergence above "
        f"{ACTIVE_NATS} nats). latent_dim={max(active, 1)} would do."
    )


def _unused_codes(facts: TrainingFacts) -> str | None:
    usage = facts.usage
    if usage is None or usage.used >= USED_CODES * usage.available:
        return None
    return (
        f"Unused codes: {usage.used:,} of {usage.available:,} codes occur on the test examples "
        f"(perplexity {usage.perplexity:.1f}). Use fewer codes, or train longer."
    )


def _over_fitting(facts: TrainingFacts) -> str | None:
    losses = facts.losses
    best = losses.best_epoch - 1
    rise = losses.validation[-1] - losses.validation[best]
    noise = facts.metrics.loss.standard_error or 0.0
    if rise <= noise or losses.training[-1] >= losses.training[best]:
        return None
    return (
        f"Over-fitting: from epoch {losses.best_epoch} to {len(losses.validation)} the validation "
        f"loss rose by {rise:.2f} nats while the training loss fell; the weights of epoch "
        f"{losses.best_epoch} were kept. More examples or a smaller network would help."
    )


def _still_falling(facts: TrainingFacts) -> str | None:
    losses = facts.losses.validation
    if len(losses) < 2 or facts.losses.best_epoch != len(losses):
        return None
    last = max(1, round(LAST_PART * len(losses)))
    fall = losses[-1 - last] - losses[-1]
    if fall < STILL_FALLING * (losses[0] - losses[-1]):
        return None
    return (
        f"Still falling: the validation loss fell by {fall:.2f} nats over the last "
        f"{_count(last, 'epoch')} of {len(losses)}. Train longer, with "
        f"training.epochs={2 * len(losses)} or more."
    )


def _warmup_too_long(facts: TrainingFacts) -> str | None:
    steps = facts.losses.steps
    if facts.warmup <= steps:
        return None
    return (
        f"Warm-up longer than the training: objective.warmup is {facts.warmup:,} steps, the "
        f"training had {steps:,}, so the divergence never had its full weight. Train longer, "
        "or shorten the warm-up."
    )


def _few_examples(facts: TrainingFacts) -> str | None:
    train, test = facts.examples["train"], facts.examples["test"]
    if train >= FEW_TRAINING_EXAMPLES and test >= FEW_TEST_EXAMPLES:
        return None
    return (
        f"Few examples: {_count(train, 'training example')} and {_count(test, 'test example')}. "
        "The metrics are rough, and the model knows little beyond these examples."
    )


def _uncertain_loss(facts: TrainingFacts) -> str | None:
    loss = facts.metrics.loss
    if loss.value is None or loss.standard_error is None:
        return None
    if loss.standard_error < abs(loss.value):
        return None
    return (
        f"Uncertain loss: the test loss is {loss.value:.2f} with a standard error of "
        f"{loss.standard_error:.2f} nats. Look for outliers, or evaluate on more examples."
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


CHECKS: Mapping[str, Callable[[TrainingFacts], str | None]] = {
    "collapse": _collapse,
    "unused-codes": _unused_codes,
    "warm-up": _warmup_too_long,
    "over-fitting": _over_fitting,
    "still-falling": _still_falling,
    "few-examples": _few_examples,
    "uncertain-loss": _uncertain_loss,
    "inactive": _inactive,
}
"""The check of each problem: its text, or None."""
