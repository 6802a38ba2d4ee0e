"""What every member of a family keeps, over the instances of families.py."""

import math
from collections.abc import Iterator
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from families import (
    CLASSES,
    DRAWS,
    LATENT,
    LIKELIHOODS,
    NETS,
    OBJECTIVES,
    POSTERIORS,
    PRIORS,
    TRAINED_NETS,
    Nets,
    Part,
    condition,
    names,
    small_vae,
)
from vaekit.core import divergences
from vaekit.core.codebook import Codebook
from vaekit.core.distributions import penalties_of, point_estimate
from vaekit.errors import ConfigError
from vaekit.likelihoods import LIKELIHOODS as REGISTERED_LIKELIHOODS
from vaekit.nets import DECODERS, ENCODERS
from vaekit.objectives import OBJECTIVES as REGISTERED_OBJECTIVES
from vaekit.objectives import DivergenceOnly, ImportanceWeighted, ReconstructionOnly
from vaekit.posteriors import POSTERIORS as REGISTERED_POSTERIORS
from vaekit.priors import PRIORS as REGISTERED_PRIORS

SHAPE = (2, 3)
MAP = (5, 3, 2)

PAIRS = [(q, p) for q in POSTERIORS for p in PRIORS if q.z == p.z]
MISFITS = [(q, p) for q in POSTERIORS for p in PRIORS if q.z != p.z]


def has_closed_form(posterior: Part, prior: Part) -> bool:
    """Every pair but a point of a continuum, and relaxed codes against a prior that couples them."""
    return is_finite(posterior) and (posterior.certain or not prior.coupled)


def is_finite(posterior: Part) -> bool:
    """Whether it has a divergence from any prior."""
    return posterior.z == "discrete" or not posterior.certain


CLOSED_FORMS = [pair for pair in PAIRS if has_closed_form(*pair)]


def pairs(cases: list[tuple[Part, Part]]):
    return pytest.mark.parametrize(
        ("posterior", "prior"), cases, ids=["-".join(names(list(case))) for case in cases]
    )


every_likelihood = pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=names(LIKELIHOODS))
every_posterior = pytest.mark.parametrize("posterior", POSTERIORS, ids=names(POSTERIORS))
every_prior = pytest.mark.parametrize("prior", PRIORS, ids=names(PRIORS))
every_pair_of_nets = pytest.mark.parametrize("pair", NETS, ids=names(NETS))
both_precisions = pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64], ids=["float32", "float64"]
)


def prior_of(prior: Part, latent: Codebook | int | tuple[int, ...] | None = None) -> nn.Module:
    """A prior in float64, for a latent of its kind, with nothing at the value that it starts from."""
    z = latent or (LATENT if prior.z == "continuous" else Codebook(torch.randn(3, 2), groups=2))
    part = prior.make(z, prior.classes).double()
    for parameter in part.parameters():
        nn.init.normal_(parameter, std=0.5)
    return part


def check_labels(prior: Part, part: nn.Module, rows: int = 5) -> Distribution:
    """What the prior is for so many rows."""
    return (
        part(torch.eye(CLASSES, dtype=torch.float64)[condition(prior, rows)])
        if prior.classes
        else part()
    )


def parameters_for(likelihood, *lead: int, spread: float = 2.0) -> Tensor:
    return spread * torch.randn(*lead, *likelihood.parameter_shape, dtype=torch.float64)


# --- The list is complete -------------------------------------------------------------------------------------------------


def test_every_registered_part_is_in_the_list():
    def types(made):
        return {type(part) for part in made}

    assert types(p.make(2, LATENT) for p in POSTERIORS) == set(REGISTERED_POSTERIORS.values())
    assert types(prior_of(p) for p in PRIORS) == set(REGISTERED_PRIORS.values())
    assert types(p.make(SHAPE) for p in LIKELIHOODS) == set(REGISTERED_LIKELIHOODS.values())
    assert types(p.make() for p in OBJECTIVES) == set(REGISTERED_OBJECTIVES.values())
    for instances in (NETS, TRAINED_NETS):
        assert types(n.encoder(n.shape, LATENT) for n in instances) == set(ENCODERS.values())
        assert types(n.decoder(n.latent, n.shape) for n in instances) == set(DECODERS.values())


# --- Likelihoods ----------------------------------------------------------------------------------------------------------


def nodes(distribution: Distribution) -> tuple[Tensor, Tensor]:
    """Values [N, 1, 1] and weights with which a function of one value, [N, rows, 1], is summed or integrated."""
    support = str(distribution.support)
    if support == "Boolean()":
        return _column([0.0, 1.0]), _column([1.0, 1.0])
    if "Levels" in support:  # five, as in DRAWS
        return _column(np.linspace(0, 1, 5)), _column(np.ones(5))
    if support == str(constraints.unit_interval):
        x, weight = map(_column, np.polynomial.legendre.leggauss(400))
        return (x + 1) / 2, weight / 2
    if (
        support == "Real()"
    ):  # the trapezium rule is exact to rounding for a smooth density that ends before the nodes do
        steps = _column(np.linspace(-12, 12, 1001))
        return distribution.mean + steps * distribution.stddev, 0.024 * distribution.stddev
    raise NotImplementedError(f"say here how to sum over {support}")


def _column(values) -> Tensor:
    return torch.as_tensor(values, dtype=torch.float64)[:, None, None]


@every_likelihood
def test_a_likelihood_states_the_supports_it_takes(likelihood: Part):
    part = likelihood.make(SHAPE)
    assert part.accepts == likelihood.supports
    assert set(likelihood.supports) <= set(DRAWS)
    reasons = [part.not_normalised(support) for support in likelihood.supports]
    assert all(reason is None or (reason and "\n" not in reason) for reason in reasons)
    assert None in reasons


@every_likelihood
def test_a_likelihood_of_one_value_sums_to_one(likelihood: Part):
    part = likelihood.make((1,)).double()
    p = part(parameters_for(part, 200, spread=4.0)).base_dist
    x, weight = nodes(p)
    total = (p.log_prob(x).exp() * weight).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-9)


@every_likelihood
def test_log_prob_broadcasts_samples_against_rows(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    parameters = parameters_for(part, 4, 5)
    for support in likelihood.supports:
        x = DRAWS[support]((5, *SHAPE))
        together = part(parameters).log_prob(x)
        apart = torch.stack(
            [
                torch.stack([part(parameters[k, b]).log_prob(x[b]) for b in range(5)])
                for k in range(4)
            ]
        )
        assert together.shape == (4, 5)
        torch.testing.assert_close(together, apart)


@every_likelihood
def test_log_prob_is_the_sum_over_values(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p = part(parameters_for(part, 5))
    x = DRAWS[likelihood.supports[0]]((5, *SHAPE))
    assert p.event_shape == SHAPE
    torch.testing.assert_close(p.log_prob(x), p.base_dist.log_prob(x).sum((-2, -1)))


@every_likelihood
def test_mean_is_that_of_samples(likelihood: Part):
    part = likelihood.make(SHAPE).double()
    p, draws = part(parameters_for(part, 5)), 20_000
    samples = p.sample((draws,))
    squares = (samples - p.mean).square()
    assert samples.shape == (draws, 5, *SHAPE)
    # by the exact variance: that of samples is 0 where another level is too rare to have come up
    assert ((samples.mean(0) - p.mean).abs() <= 5 * (p.variance / draws).sqrt() + 1e-12).all()
    assert (
        (squares.mean(0) - p.variance).abs() <= 5 * squares.std(0) / math.sqrt(draws) + 1e-4
    ).all()


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -100.0, -20.0, 0.0, 20.0, 100.0, 1e4])
@every_likelihood
def test_extreme_parameters_have_finite_values_and_gradients(
    likelihood: Part, extreme: float, dtype: torch.dtype
):
    part = likelihood.make(SHAPE).to(dtype)
    signs = torch.randint(0, 2, (50, *part.parameter_shape)) * 2 - 1
    parameters = (extreme * signs).to(dtype).requires_grad_()
    for support in likelihood.supports:
        p = part(parameters)
        log_prob = p.log_prob(DRAWS[support]((50, *SHAPE)).to(dtype))
        (gradient,) = torch.autograd.grad(log_prob.sum(), parameters)
        assert log_prob.dtype == dtype
        assert torch.isfinite(log_prob).all() and torch.isfinite(gradient).all()
        assert torch.isfinite(p.mean).all() and torch.isfinite(p.sample()).all()


# --- Posteriors, priors, divergences --------------------------------------------------------------------------------------

every_kind_of_features = pytest.mark.parametrize("features", [(6,), MAP], ids=["vector", "map"])


@every_kind_of_features
@every_posterior
def test_a_posterior_gives_one_distribution_per_row(posterior: Part, features: tuple[int, ...]):
    part = posterior.make(features, LATENT).double()
    given = torch.randn(5, *features, dtype=torch.float64, requires_grad=True)
    q = part(given)
    z, drawn = q.rsample((7,)), q.sample((7,))
    assert (q.batch_shape, q.event_shape[1:]) == ((5,), features[1:])
    assert z.shape == drawn.shape == (7, 5, *q.event_shape)
    assert q.mean.shape == q.variance.shape == point_estimate(q).shape == (5, *q.event_shape)
    assert not is_finite(posterior) or q.log_prob(drawn).shape == (7, 5)
    assert not drawn.requires_grad
    for tensor in torch.autograd.grad((z * torch.randn_like(z)).sum(), [given, *part.parameters()]):
        assert torch.isfinite(tensor).all() and (tensor != 0).any()


@every_kind_of_features
@every_posterior
def test_a_posterior_says_what_its_z_is_before_it_gives_one(
    posterior: Part, features: tuple[int, ...]
):
    part = posterior.make(features, LATENT).double()
    shape = part(torch.randn(5, *features, dtype=torch.float64)).event_shape
    assert isinstance(part.latent, Codebook) == (posterior.z == "discrete")
    assert part.latent_dim == LATENT and shape == (
        part.latent.shape if posterior.z == "discrete" else part.latent
    )


@pytest.mark.parametrize("seed", range(3))
@every_posterior
def test_a_posterior_treats_rows_alike_and_apart(posterior: Part, seed: int):
    part = posterior.make(6, LATENT).double().eval()
    features = torch.randn(5, 6, dtype=torch.float64)
    q = part(features)
    for one, whole in (
        (part(features[:1]).mean, q.mean[:1]),
        (part(features.flip(0)).mean, q.mean.flip(0)),
    ):
        torch.testing.assert_close(one, whole)


@every_kind_of_features
@pairs(PAIRS)
def test_a_prior_is_over_the_posteriors_z(posterior: Part, prior: Part, features: tuple[int, ...]):
    part = posterior.make(features, LATENT).double()
    q = part(torch.randn(5, *features, dtype=torch.float64))
    p = check_labels(prior, prior_of(prior, part.latent))
    assert (p.event_shape, p.batch_shape) == (q.event_shape, (5,) if prior.classes else ())
    z = p.sample((7,))
    assert z.shape == (7, *p.batch_shape, *p.event_shape)
    assert p.log_prob(z).shape == (7, *p.batch_shape) and torch.isfinite(p.log_prob(z)).all()
    assert p.log_prob(q.sample((7,))).shape == (7, 5)


@pairs(MISFITS)
def test_a_prior_over_another_kind_of_z_is_refused(posterior: Part, prior: Part):
    latent = posterior.make(6, LATENT).latent
    with pytest.raises(ConfigError, match=r"^prior [^\n]*the posterior [^\n]*: set prior=[^\n]*$"):
        prior.make(latent, prior.classes)


@both_precisions
@pytest.mark.parametrize("extreme", [-1e4, -50.0, 50.0, 1e4])
@pairs(PAIRS)
def test_extreme_features_have_finite_divergences(
    posterior: Part, prior: Part, extreme: float, dtype: torch.dtype
):
    part = posterior.make(6, LATENT).to(dtype)
    y = torch.eye(CLASSES, dtype=dtype)[condition(prior, 50)] if prior.classes else None
    p = prior.make(part.latent, prior.classes).to(dtype)(*[] if y is None else [y])
    features = (extreme * (torch.randint(0, 2, (50, 6)) * 2 - 1)).to(dtype).requires_grad_()
    q = part(features)
    z = q.rsample((3,))
    values = [z, divergences.kl_divergence(q, p, z)]
    if divergences.has_finite_kl(q):
        values.append(divergences.monte_carlo(q, p, z))
    for value in values:
        assert torch.isfinite(value).all()
        if value.requires_grad:  # that of a quantised z does not depend on the features
            gradients = torch.autograd.grad(
                value.sum(), [features, *part.parameters()], retain_graph=True, allow_unused=True
            )
            assert all(torch.isfinite(g).all() for g in gradients if g is not None)


@pairs(CLOSED_FORMS)
def test_the_closed_form_is_the_mean_of_the_estimate(posterior: Part, prior: Part):
    part, draws = posterior.make(6, LATENT).double().eval(), 20_000
    q = part(3 * torch.randn(5, 6, dtype=torch.float64))
    p = check_labels(prior, prior_of(prior, part.latent))
    with torch.no_grad():
        estimate, exact = (
            divergences.monte_carlo(q, p, q.sample((draws,))),
            divergences.closed_form(q, p),
        )
    assert exact is not None and estimate.shape[:2] == (draws, 5) and len(exact) == 5
    assert (exact >= 0).all() and (exact.sum(-1) > 1e-3).all()
    if posterior.z == "discrete":  # whose estimate is of all positions together
        exact = exact.sum(-1, keepdim=True)
    assert estimate.shape[1:] == exact.shape
    assert ((estimate.mean(0) - exact).abs() <= 5 * estimate.std(0) / math.sqrt(draws) + 1e-9).all()


@pairs([pair for pair in PAIRS if pair not in CLOSED_FORMS and is_finite(pair[0])])
def test_a_pair_without_a_closed_form_is_estimated(posterior: Part, prior: Part):
    part = posterior.make(6, LATENT).double()
    q = part(torch.randn(5, 6, dtype=torch.float64))
    p, z = check_labels(prior, prior_of(prior, part.latent)), q.sample((4,))
    assert divergences.closed_form(q, p) is None
    torch.testing.assert_close(
        divergences.kl_divergence(q, p, z), divergences.monte_carlo(q, p, z).mean(0)
    )


@every_prior
def test_the_divergence_of_a_prior_from_itself_is_zero(prior: Part):
    p = check_labels(prior, prior_of(prior))
    estimate, exact = divergences.monte_carlo(p, p, p.sample((4,))), divergences.closed_form(p, p)
    torch.testing.assert_close(estimate, torch.zeros_like(estimate), rtol=0, atol=0)
    assert (exact is None) == prior.coupled
    if exact is not None:
        torch.testing.assert_close(exact, torch.zeros_like(exact), rtol=0, atol=1e-15)


# --- Nets -----------------------------------------------------------------------------------------------------------------


def latent_of(pair: Nets) -> tuple[int, ...]:
    return (pair.latent,) if isinstance(pair.latent, int) else pair.latent


@every_pair_of_nets
@pytest.mark.parametrize("rows", [1, 5])
def test_nets_return_the_datas_shape(pair: Nets, rows: int):
    encoder, decoder = pair.encoder(pair.shape, LATENT), pair.decoder(pair.latent, pair.shape)
    if rows == 1:
        encoder, decoder = encoder.eval(), decoder.eval()
    features = encoder(torch.randn(rows, *pair.shape))
    assert (len(features), features.shape[2:]) == (rows, latent_of(pair)[1:])
    assert decoder(torch.randn(rows, *latent_of(pair))).shape == (rows, *pair.shape)


@every_pair_of_nets
def test_nets_treat_rows_alike_and_apart(pair: Nets):
    encoder = pair.encoder(pair.shape, LATENT).double().eval()
    decoder = pair.decoder(pair.latent, pair.shape).double().eval()
    x, z = (
        torch.randn(4, *pair.shape, dtype=torch.float64),
        torch.randn(4, *latent_of(pair), dtype=torch.float64),
    )
    for net, given in ((encoder, x), (decoder, z)):
        torch.testing.assert_close(net(given.flip(0)).flip(0), net(given))
        torch.testing.assert_close(net(given[:1]), net(given)[:1])
        assert (net(given)[0] != net(given)[1]).any()


@every_pair_of_nets
def test_every_weight_of_a_net_gets_a_gradient(pair: Nets):
    encoder, decoder = (
        pair.encoder(pair.shape, LATENT).double(),
        pair.decoder(pair.latent, pair.shape).double(),
    )
    for net, given in (
        (encoder, torch.randn(8, *pair.shape, dtype=torch.float64, requires_grad=True)),
        (decoder, torch.randn(8, *latent_of(pair), dtype=torch.float64)),
    ):
        net(given).square().sum().backward()
        for name, parameter in net.named_parameters():
            assert parameter.grad is not None and torch.isfinite(parameter.grad).all(), name


# --- All together ---------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """One part of every family."""

    posterior: Part
    prior: Part
    likelihood: Part
    objective: Part
    pair: Nets

    def __str__(self) -> str:
        return " ".join(part.name for part in self)

    def meetings(self) -> frozenset[tuple[str, str]]:
        """Every two of its parts."""
        labelled = [
            f"{family} {part.name}" for family, part in zip(self._fields, self, strict=True)
        ]
        return frozenset(combinations(labelled, 2))


def refused(posterior: Part, prior: Part, objective: Part) -> str | None:
    """Why parts that fit each other cannot be trained so: the remedy in the message."""
    measure, exact = objective.make(), has_closed_form(posterior, prior)
    if isinstance(measure, ReconstructionOnly):
        return None
    if isinstance(measure, DivergenceOnly):
        return (
            None if exact and not posterior.certain else "divergence has no gradient: set posterior"
        )
    if isinstance(measure, ImportanceWeighted):
        return (
            "set posterior to diagonal-normal"
            if posterior.certain or posterior.z == "discrete"
            else None
        )
    if not is_finite(posterior):
        return "set objective=reconstruction-only"
    if measure.gradient == "score-function" and posterior.certain:
        return "objective.gradient to pathwise"
    if measure.divergence == "closed-form" and not exact:
        return "set objective.divergence to monte-carlo"
    discrete = posterior.z == "discrete" and not posterior.certain
    if (measure.divergence, measure.gradient) == ("monte-carlo", "pathwise") and discrete:
        return "objective.gradient to score-function"
    return None


def covering() -> Iterator[Case]:
    """As few cases as let every two parts meet that meet in any."""
    whole = product(PAIRS, LIKELIHOODS, OBJECTIVES, TRAINED_NETS)
    cases = [
        Case(*pair, likelihood, objective, nets) for pair, likelihood, objective, nets in whole
    ]
    meetings = {case: case.meetings() for case in cases if not refused(*case[:2], case.objective)}
    missing = frozenset().union(*meetings.values())
    while missing:
        best = max(meetings, key=lambda case: len(meetings[case] & missing))
        missing -= meetings[best]
        yield best


CASES = list(covering())
every_case = pytest.mark.parametrize("case", CASES, ids=str)


@pytest.mark.parametrize("family", Case._fields)
def test_every_part_is_trained(family: str):
    lists = dict(
        zip(Case._fields, (POSTERIORS, PRIORS, LIKELIHOODS, OBJECTIVES, TRAINED_NETS), strict=True)
    )
    assert {getattr(case, family).name for case in CASES} == set(names(lists[family]))


def learning(case: Case) -> set[str]:
    """The families whose parts a first update changes."""
    measure, posterior = case.objective.make(), case.posterior
    if isinstance(measure, DivergenceOnly):
        return {"encoder", "posterior", "prior"}
    if isinstance(measure, ReconstructionOnly):
        return {"encoder", "posterior", "decoder", "likelihood"}
    besides_z = not posterior.certain or penalties_of(posterior.make(6, LATENT)(torch.randn(2, 6)))
    through_z = getattr(measure, "gradient", "pathwise") != "none" or besides_z
    return {"decoder", "likelihood", "prior"} | ({"encoder", "posterior"} if through_z else set())


def batch(case: Case, rows: int, support: str) -> tuple[Tensor, ...]:
    """x, and y where the model has classes."""
    y = condition(case.prior, rows)
    return (DRAWS[support]((rows, *case.pair.shape)), *([] if y is None else [y]))


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
@every_case
def test_parts_that_meet_train_together(case: Case, precision: str):
    dtype = torch.float64 if precision == "float64" else torch.float32
    model = small_vae(case.posterior, case.prior, case.likelihood, case.pair).to(dtype)
    for support in case.likelihood.supports:
        x, *y = batch(case, 8, support)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            terms = case.objective.make()(model, x.to(dtype), *y, step=3)
        model.zero_grad()
        terms.loss.backward()
        assert terms.loss.dtype == dtype and torch.isfinite(terms.loss)
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        assert all(torch.isfinite(g).all() for g in gradients.values() if g is not None)
        moved = {name for name, g in gradients.items() if g is not None and (g != 0).any()}
        assert moved == {name for name in gradients if name.split(".")[0] in learning(case)}
        assert terms.log_likelihood.shape[1:] == (
            8,
        ) and terms.reconstruction.shape == terms.elbo.shape == (8,)
        assert terms.divergence.shape[0] == 8


@every_case
def test_parts_that_meet_learn_together(case: Case):
    model, measure = (
        small_vae(case.posterior, case.prior, case.likelihood, case.pair),
        case.objective.make(),
    )
    x, *y = batch(case, 16, case.likelihood.supports[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(30):
        loss = measure(model, x, *y).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert sum(losses[-5:]) < sum(losses[:5])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=names(OBJECTIVES))
@pairs(PAIRS)
def test_what_cannot_be_trained_is_refused_in_one_line_and_nothing_else(
    posterior: Part, prior: Part, objective: Part
):
    model, remedy = (
        small_vae(posterior, prior, LIKELIHOODS[0]),
        refused(posterior, prior, objective),
    )
    x, y, measure = (
        torch.rand(8, *model.data_shape, dtype=torch.float64),
        condition(prior, 8),
        objective.make(),
    )
    if remedy is None:
        assert measure(model, x, y).loss.requires_grad
        return
    with pytest.raises(ConfigError) as error:
        measure(model, x, y)
    assert remedy in str(error.value) and "\n" not in str(error.value)
