"""Parts of all families train together if they fit, and are refused if they do not."""

from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from families import (
    LATENT,
    LIKELIHOODS,
    OBJECTIVES,
    PAIRS,
    POSTERIORS,
    PRIORS,
    SAMPLE_DATA,
    TRAINED_NETS,
    Nets,
    Part,
    condition,
    every_pair_of,
    has_closed_form,
    has_finite_kl,
    names,
    small_vae,
)
from raising import raises
from vaekit.core.distributions import penalties_of
from vaekit.errors import ConfigError
from vaekit.objectives import DivergenceOnly, ImportanceWeighted, ReconstructionOnly

pytestmark = pytest.mark.slow


class Case(NamedTuple):
    """One part of every family."""

    posterior: Part
    prior: Part
    likelihood: Part
    objective: Part
    pair: Nets

    def __str__(self) -> str:
        return " ".join(part.name for part in self)

    def pairs_of_parts(self) -> frozenset[tuple[str, str]]:
        """Every two of its parts."""
        labeled = [f"{family} {part.name}" for family, part in zip(self._fields, self, strict=True)]
        return frozenset(combinations(labeled, 2))


def parameter_at_fault(posterior: Part, prior: Part, objective: Part) -> str | None:
    """The parameter that prevents parts that fit from being trained together."""
    loss = objective.make()
    has_exact_kl = has_closed_form(posterior, prior)
    if isinstance(loss, ReconstructionOnly):
        return None
    if isinstance(loss, DivergenceOnly):
        return None if has_exact_kl and not posterior.deterministic else "objective"
    if isinstance(loss, ImportanceWeighted):
        has_density = posterior.z == "continuous" and not posterior.deterministic
        return None if has_density else "objective"
    if not has_finite_kl(posterior):
        return "objective"
    if loss.gradient == "score-function" and posterior.deterministic:
        return "objective.gradient"
    if loss.divergence == "closed-form" and not has_exact_kl:
        return "objective.divergence"
    is_relaxed = posterior.z == "discrete" and not posterior.deterministic
    if (loss.divergence, loss.gradient) == ("monte-carlo", "pathwise") and is_relaxed:
        return "objective.divergence"
    return None


def covering() -> Iterator[Case]:
    """Few cases in which every two parts meet that can be trained together."""
    cases = [
        Case(*pair, likelihood, objective, nets)
        for pair, likelihood, objective, nets in product(
            PAIRS, LIKELIHOODS, OBJECTIVES, TRAINED_NETS
        )
    ]
    pairs_of_parts = {
        case: case.pairs_of_parts()
        for case in cases
        if parameter_at_fault(*case[:2], case.objective) is None
    }
    missing = frozenset().union(*pairs_of_parts.values())
    while missing:
        best = max(pairs_of_parts, key=lambda case: len(pairs_of_parts[case] & missing))
        missing -= pairs_of_parts[best]
        yield best


CASES = list(covering())
every_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.mark.parametrize("family", Case._fields)
def test_every_part_is_trained(family: str):
    lists = dict(
        zip(Case._fields, (POSTERIORS, PRIORS, LIKELIHOODS, OBJECTIVES, TRAINED_NETS), strict=True)
    )
    assert {getattr(case, family).name for case in CASES} == set(names(lists[family]))


def trained_families(case: Case) -> set[str]:
    """The families whose parts have a gradient in the first step."""
    loss_function = case.objective.make()
    posterior = case.posterior
    if isinstance(loss_function, DivergenceOnly):
        return {"encoder", "posterior", "prior"}
    if isinstance(loss_function, ReconstructionOnly):
        return {"encoder", "posterior", "decoder", "likelihood"}
    families = {"decoder", "likelihood", "prior"}
    has_penalties = bool(penalties_of(posterior.make(6, LATENT)(torch.randn(2, 6))))
    has_gradient_without_z = not posterior.deterministic or has_penalties
    has_gradient_through_z = getattr(loss_function, "gradient", "pathwise") != "none"
    if has_gradient_through_z or has_gradient_without_z:
        families |= {"encoder", "posterior"}
    return families


def batch(case: Case, count: int, support: str) -> tuple[Tensor, Tensor | None]:
    """x, and y if the model has classes, else None."""
    y = condition(case.prior, count)
    return SAMPLE_DATA[support]((count, *case.pair.shape)), y


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
@every_case
def test_parts_that_meet_train_together(case: Case, precision: str):
    dtype = torch.float64 if precision == "float64" else torch.float32
    model = small_vae(case.posterior, case.prior, case.likelihood, case.pair).to(dtype)
    for support in case.likelihood.supports:
        x, y = batch(case, 8, support)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            terms = case.objective.make()(model, x.to(dtype), y, step=3)
        model.zero_grad()
        terms.loss.backward()
        assert terms.loss.dtype == dtype and torch.isfinite(terms.loss)
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        assert all(torch.isfinite(g).all() for g in gradients.values() if g is not None)
        trained = {name for name, g in gradients.items() if g is not None and (g != 0).any()}
        assert trained == {
            name for name in gradients if name.split(".")[0] in trained_families(case)
        }
        assert terms.log_likelihood.shape[1:] == (8,)
        assert terms.reconstruction.shape == terms.elbo.shape == (8,)
        assert terms.divergence.shape[0] == 8


@every_case
def test_parts_that_meet_learn_together(case: Case):
    model = small_vae(case.posterior, case.prior, case.likelihood, case.pair)
    loss_function = case.objective.make()
    x, y = batch(case, 16, case.likelihood.supports[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = loss_function(model, x, y).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
@every_pair_of(PAIRS)
def test_parts_are_refused_if_and_only_if_they_cannot_be_trained(
    posterior: Part, prior: Part, objective: Part
):
    model = small_vae(posterior, prior, LIKELIHOODS[0])
    x = torch.rand(8, *model.data_shape, dtype=torch.float64)
    y = condition(prior, 8)
    loss_function = objective.make()
    parameter = parameter_at_fault(posterior, prior, objective)
    if parameter is None:
        assert loss_function(model, x, y).loss.requires_grad
    else:
        with raises(ConfigError, parameter):
            loss_function(model, x, y)
