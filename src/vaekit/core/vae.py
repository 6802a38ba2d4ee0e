"""The variational autoencoder: five parts, and the check that they fit."""

from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit import html
from vaekit.core.codebook import Codebook
from vaekit.core.distributions import is_discrete, point_estimate
from vaekit.errors import ConfigError, DataError


class ParameterCount(NamedTuple):
    """Numbers of parameters; `fixed` are those that training updates but no gradient does (batch statistics, a codebook)."""

    trainable: int
    fixed: int

    @property
    def total(self) -> int:
        return self.trainable + self.fixed


class VAE(nn.Module):
    """A variational autoencoder made of five parts; it knows none of them by name.

    encoder: data [B, *shape] -> features [B, F] or [B, C, h, w]; any module.
    posterior: features -> q(z given x).
    prior: nothing -> p(z).
    decoder: z [B, *latent shape] -> parameters of the likelihood [B, *]; any module.
    likelihood: those parameters -> p(x given z), over data of its `shape`.
    classes: 0, or how many classes a condition y has; then encoder and decoder are called with the condition [B, classes]
        behind their input, and the prior with it alone (Sohn et al., 2015).

    y is given as class numbers [B] or as weights of the classes [B, classes].
    Raises ConfigError when two parts do not fit, with both named; DataError where y is missing or impossible.

    >>> from vaekit import nets, posteriors, priors, likelihoods
    >>> model = VAE(
    ...     encoder=nets.MLPEncoder((1, 8, 8), 2, hidden=(32,)),
    ...     posterior=posteriors.DiagonalNormal(32, 2),
    ...     prior=priors.StandardNormal(2),
    ...     decoder=nets.MLPDecoder(2, (1, 8, 8), hidden=(32,)),
    ...     likelihood=likelihoods.Bernoulli((1, 8, 8)),
    ... )
    >>> model.sample(16).shape
    torch.Size([16, 1, 8, 8])
    """

    encoder: nn.Module
    posterior: nn.Module
    prior: nn.Module
    decoder: nn.Module
    likelihood: Any

    def __init__(
        self,
        encoder: nn.Module,
        posterior: nn.Module,
        prior: nn.Module,
        decoder: nn.Module,
        likelihood: nn.Module,
        classes: int = 0,
    ):
        super().__init__()
        self.encoder, self.posterior, self.prior = encoder, posterior, prior
        self.decoder, self.likelihood, self.classes = decoder, likelihood, classes
        check_fit(self)

    def encode(self, x: Tensor, y: Tensor | None = None) -> Distribution:
        """q(z given x) for data x [B, *shape], in the values that the model takes (see `Run.encode` for raw data)."""
        condition = self._condition(y)
        if any(len(c) != len(x) for c in condition):
            raise DataError(
                f"{len(condition[0])} classes were given for {len(x)} rows: give one for each"
            )
        return self.posterior(self.encoder(x, *condition))

    def decode(self, z: Tensor, y: Tensor | None = None) -> Distribution:
        """p(x given z) for z [..., *latent shape]; leading ones (samples, batch) are the distribution's batch shape."""
        lead = z.shape[: z.dim() - len(self.latent_shape)]
        folded = z.reshape(
            lead.numel(), *self.latent_shape
        )  # nets see one batch dimension: done and undone here
        condition = [c.expand(*lead, -1).reshape(lead.numel(), -1) for c in self._condition(y)]
        parameters = self.decoder(folded, *condition)
        return self.likelihood(parameters.reshape(*lead, *parameters.shape[1:]))

    def prior_distribution(self, y: Tensor | None = None) -> Distribution:
        """p(z), or p(z given y), which then has y's batch shape where the prior depends on it."""
        return self.prior(*self._condition(y))

    def log_joint(self, x: Tensor, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(x, z) = log p(z) + log p(x given z) in nats, [K, B]; x [B, *shape], z [K, B, *latent shape]."""
        return self.prior_distribution(y).log_prob(z) + self.decode(z, y).log_prob(x)

    @torch.no_grad()
    def sample_prior(self, count: int, y: Tensor | None = None) -> Tensor:
        """`count` draws z ~ p(z), or one for each y, z ~ p(z given y): [count, *latent shape]."""
        p = self.prior_distribution(y)
        if y is not None and len(y) != count:
            raise DataError(f"{len(y)} classes were given for {count} draws: give one for each")
        return p.sample() if p.batch_shape else p.sample((count,))

    @torch.no_grad()
    def sample(self, count: int, y: Tensor | None = None) -> Tensor:
        """Means of p(x given z) for `count` draws z ~ p(z), of the classes y [count] where there are any: [count, *shape].

        Values themselves are drawn by `model.decode(z).sample()`.
        """
        return self.decode(self.sample_prior(count, y), y).mean

    @torch.no_grad()
    def reconstruct(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """The mean of p(x given z) at the posterior's mean, or its mode where z is discrete: [B, *shape]."""
        return self.decode(point_estimate(self.encode(x, y)), y).mean

    def _condition(self, y: Tensor | None) -> tuple[Tensor, ...]:
        """What the parts are told of y, as further arguments: nothing, or the weights of the classes [B, classes]."""
        if not self.classes:
            return ()
        if y is None:
            raise DataError(
                f"this model is conditional on {self.classes} classes: give y, class numbers [B] or weights [B, C]"
            )
        if y.dim() == 1:
            y = self._one_hot(y)
        if y.shape[-1] != self.classes:
            raise DataError(
                f"y has weights of {y.shape[-1]} classes, this model is conditional on {self.classes}"
            )
        return (y.to(_anchor(self)),)

    def _one_hot(self, y: Tensor) -> Tensor:
        if y.is_floating_point():
            raise DataError(
                "y has class numbers that are not whole: give integers [B], or weights [B, classes]"
            )
        if (
            y.device.type == "cpu" and y.numel() and not 0 <= y.min() <= y.max() < self.classes
        ):  # on a GPU, looking would wait for it
            wrong = y[(y < 0) | (y >= self.classes)][0].item()
            raise DataError(
                f"y has class {wrong}, this model is conditional on {self.classes}: 0 to {self.classes - 1}"
            )
        return F.one_hot(y.long(), self.classes)

    @property
    def latent_shape(self) -> torch.Size:
        if self._latent_shape is None:
            with torch.no_grad():
                self._latent_shape = self.prior_distribution(self.dummy_condition(1)).event_shape
        return self._latent_shape

    _latent_shape: torch.Size | None = None

    def dummy_condition(self, rows: int) -> Tensor | None:
        """The first class for so many rows, where a condition is needed: for what does not depend on it."""
        return (
            torch.zeros(rows, dtype=torch.long, device=_anchor(self).device)
            if self.classes
            else None
        )

    @property
    def codebook(self) -> Codebook | None:
        """What z is made of where it is discrete; None where it is not."""
        latent = getattr(self.posterior, "latent", None)
        return latent if isinstance(latent, Codebook) else None

    @property
    def data_shape(self) -> tuple[int, ...]:
        return tuple(self.likelihood.shape)

    def count_parameters(self) -> dict[str, ParameterCount]:
        """Numbers per side as the references count them: the posterior's are the encoder's, the likelihood's the decoder's."""
        return {
            "encoder": _count(self.encoder, self.posterior),
            "decoder": _count(self.decoder, self.likelihood),
            "prior": _count(self.prior),
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: the parts, the shapes that they take and give, the parameters of each side."""
        sides = self.count_parameters()
        counts = {"posterior": "with the encoder's", "likelihood": "with the decoder's"}
        counts |= {side: _written(count) for side, count in sides.items()}
        shapes = _shapes(self)
        header = ("part", "class", "takes", "gives", "parameters")
        parts = ((name, _name(getattr(self, name)), *shapes[name], counts[name]) for name in PARTS)
        condition = f", conditional on {self.classes:,} classes" if self.classes else ""
        total = sum(count.total for count in sides.values())
        return html.card(
            f"VAE{condition}: {total:,} parameters", html.table(parts, html.CELL, header)
        )


PARTS = ("encoder", "posterior", "prior", "decoder", "likelihood")


def _written(count: ParameterCount) -> str:
    return f"{count.trainable:,}" + (f" and {count.fixed:,} fixed" if count.fixed else "")


def _shapes(model: VAE) -> dict[str, tuple[str, str]]:
    """What each part takes and gives for one row, by the part's name."""
    x, z, given = (
        str(tuple(model.data_shape)),
        f"z {tuple(model.latent_shape)}",
        ", y" if model.classes else "",
    )
    features = parameters = "?"
    with (
        suppress(RuntimeError),
        torch.no_grad(),
        eval_mode(model),
    ):  # a part on another device than the rest
        like, y = _anchor(model), model.dummy_condition(1)
        zeros = torch.zeros(1, *model.data_shape, dtype=like.dtype, device=like.device)
        features = str(tuple(model.encoder(zeros, *model._condition(y)).shape[1:]))
        zeros = torch.zeros(1, *model.latent_shape, dtype=like.dtype, device=like.device)
        parameters = str(tuple(model.decoder(zeros, *model._condition(y)).shape[1:]))
    return {
        "encoder": (f"x {x}{given}", features),
        "posterior": (features, f"q({z} given x{given})"),
        "prior": (given.removeprefix(", "), f"p({z}{' given y' if given else ''})"),
        "decoder": (f"{z}{given}", parameters),
        "likelihood": (parameters, f"p(x {x} given z{given})"),
    }


def check_fit(model: VAE) -> None:
    """Pass one row of zeros through the parts and compare shapes where they meet; raises ConfigError naming both parts."""
    likelihood = model.likelihood
    for attribute in ("shape", "accepts", "not_normalised"):
        if not hasattr(likelihood, attribute):
            raise ConfigError(
                f"likelihood {_name(likelihood)} has no attribute {attribute!r}: derive it from vaekit.likelihoods.Likelihood"
            )
    shape = likelihood.shape
    with torch.no_grad(), eval_mode(model):
        anchor, y = _anchor(model), model.dummy_condition(1)
        x = torch.zeros(1, *shape, dtype=anchor.dtype, device=anchor.device)
        q = _meeting(
            model,
            "encoder",
            "posterior",
            lambda: model.encode(x, y),
            f"data of shape {tuple(shape)}",
        )
        if q.batch_shape != torch.Size([1]):
            raise ConfigError(
                f"posterior {_name(model.posterior)} gives for one row a batch of shape {tuple(q.batch_shape)}, not (1,): wrap "
                "it in torch.distributions.Independent(q, 1)"
            )
        if q.event_shape != model.latent_shape:
            raise ConfigError(
                f"posterior {_name(model.posterior)} has codes of shape {tuple(q.event_shape)}, prior "
                f"{_name(model.prior)} of {tuple(model.latent_shape)}: give both the same latent_dim"
            )
        if getattr(model.prior, "codebook", model.codebook) is not model.codebook:
            raise ConfigError(
                f"prior {_name(model.prior)} is for other codes than those of posterior {_name(model.posterior)}: build it for "
                "posterior.latent"
            )
        if is_discrete(q) != is_discrete(model.prior_distribution(y)):
            raise ConfigError(
                f"one of posterior {_name(model.posterior)} and prior {_name(model.prior)} is discrete and the other has a "
                "density: a divergence between them means nothing"
            )
        z = torch.zeros(1, *model.latent_shape, dtype=anchor.dtype, device=anchor.device)
        wanted = ", ".join(map(str, getattr(likelihood, "parameter_shape", shape)))
        given = f"codes of shape {tuple(model.latent_shape)} (its output must be [batch, {wanted}])"
        p = _meeting(model, "decoder", "likelihood", lambda: model.decode(z, y), given)
        if p.event_shape != torch.Size(shape) or p.batch_shape != torch.Size([1]):
            raise ConfigError(
                f"decoder {_name(model.decoder)} gives {_name(likelihood)} data of shape {tuple(p.event_shape)} instead of "
                f"{tuple(shape)}: its output must be [batch, {wanted}]"
            )


def _meeting(model: VAE, first: str, second: str, call, given: str) -> Distribution:
    """What `call` returns, its failure told as one of the two parts that meet there."""
    parts = f"{first} {_name(getattr(model, first))} and {second} {_name(getattr(model, second))}"
    try:
        result = call()
    except (RuntimeError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"{parts} do not fit for {given}: {str(error).splitlines()[0]}"
        ) from error
    if not isinstance(result, Distribution):
        raise ConfigError(
            f"{parts} give {type(result).__name__}: the {second} must return a torch Distribution"
        )
    return result


class eval_mode:  # noqa: N801 - reads as a statement
    """`model` in evaluation mode (batch normalisation takes a single row), each module's own mode restored after."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.modes = [(module, module.training) for module in model.modules()]

    def __enter__(self) -> None:
        self.model.eval()

    def __exit__(self, *_) -> None:
        for module, training in self.modes:
            module.training = training


def _anchor(model: nn.Module) -> Tensor:
    """A tensor of the model's device and precision."""
    return next(
        (t for t in chain(model.parameters(), model.buffers()) if t.is_floating_point()),
        torch.zeros(()),
    )


def _name(part: nn.Module) -> str:
    return type(part).__name__


def _count(*modules: nn.Module) -> ParameterCount:
    return ParameterCount(
        trainable=sum(p.numel() for m in modules for p in m.parameters()),
        fixed=sum(
            t.numel()
            for m in modules
            for n, t in m.state_dict(keep_vars=True).items()
            if _is_fixed(t)
        ),
    )


def _is_fixed(kept: Tensor) -> bool:
    """Whether a tensor that is saved is no parameter, and not the mere count of something."""
    return not isinstance(kept, nn.Parameter) and kept.is_floating_point()
