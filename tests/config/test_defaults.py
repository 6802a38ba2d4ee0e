import pytest
import torch

from vaekit.config import DataProfile, explain_defaults, resolve, validate
from vaekit.config.defaults import (
    default_latent_dim,
    default_likelihood,
    default_normalization,
    default_recipe,
)
from vaekit.core.components import PrincipalComponents, principal_components

GRAY = (1, 28, 28)


def components(*variances: float) -> PrincipalComponents:
    count = len(variances)
    return PrincipalComponents(torch.zeros(count), torch.eye(count), torch.tensor(variances))


@pytest.mark.parametrize(
    ("shape", "support", "false_variance", "kind"),
    [
        (GRAY, "binary", 0.0, "bernoulli"),
        ((3, 28, 28), "binary", 0.0, "bernoulli"),
        ((7,), "binary", 0.0, "bernoulli"),
        (GRAY, "unit", 0.22, "bernoulli"),
        (GRAY, "unit", 0.9, "gaussian"),
        ((3, 28, 28), "unit", 0.2, "gaussian"),
        ((7,), "unit", 0.2, "gaussian"),
        (GRAY, "real", 0.0, "gaussian"),
    ],
)
def test_default_likelihood(shape, support, false_variance, kind):
    profile = DataProfile(shape, support, false_variance=false_variance)
    assert default_likelihood(profile) == kind


@pytest.mark.parametrize(
    ("shape", "false_variance", "recipe"),
    [
        ((1, 28, 28), 0.2, "plane"),
        ((1, 32, 32), 0.2, "plane"),
        ((1, 33, 32), 0.2, "images"),
        ((1, 28, 28), 0.9, "images"),
        ((3, 28, 28), 0.2, "images"),
        ((12,), 0.2, "vectors"),
        ((4, 16), 0.2, "vectors"),
    ],
)
def test_default_recipe(shape, false_variance, recipe):
    assert default_recipe(DataProfile(shape, "unit", false_variance=false_variance)) == recipe


@pytest.mark.parametrize(
    ("shape", "support", "deviation", "normalization"),
    [
        (GRAY, "unit", 0.01, "standardize"),
        ((3, 28, 28), "unit", 0.049, "standardize"),
        (GRAY, "unit", 0.1, "none"),
        (GRAY, "unit", 0.0, "none"),
        (GRAY, "unit", None, "none"),
        (GRAY, "binary", 0.01, "none"),
        (GRAY, "real", 100.0, "standardize"),
    ],
)
def test_faint_and_real_values_are_standardized(shape, support, deviation, normalization):
    profile = DataProfile(shape, support, false_variance=0.9, deviation=deviation)
    assert default_normalization(profile) == normalization
    assert resolve(validate({}), profile).data.normalize == normalization
    is_said = any("standardized" in phrase for phrase in explain_defaults(validate({}), profile))
    assert is_said == (normalization == "standardize" and support == "unit")
    chosen = validate({"likelihood": "gaussian"})
    assert resolve(chosen, profile).data.normalize == (
        "standardize" if support == "real" else "none"
    )


FLAT = components(*[1.0] * 200)
STEEP = components(100.0, *[0.1] * 99)


@pytest.mark.parametrize(
    ("shape", "spectrum", "latent"),
    [
        ((1, 28, 28), FLAT, 2),
        ((3, 28, 28), FLAT, 128),
        ((3, 28, 28), STEEP, 32),
        ((3, 28, 28), components(*[1.0] * 50), 40),
        ((3, 28, 28), components(*[1.0] * 5), 5),
        ((3, 28, 28), components(), 2),
        ((200,), FLAT, 32),
        ((100,), STEEP, 2),
        ((10,), components(*[1.0] * 10), 8),
    ],
)
def test_default_latent_dim_explains_most_of_the_variance(shape, spectrum, latent):
    profile = DataProfile(shape, "unit", find_components=lambda: spectrum)
    assert default_latent_dim(profile) == latent


def test_choices_are_explained_with_the_share_of_variance():
    spectrum = principal_components(torch.randn(500, 40) * torch.linspace(3, 0.1, 40))
    profile = DataProfile(GRAY, "unit", find_components=lambda: spectrum)
    likelihood, latent = explain_defaults(validate({}), profile)
    assert "bernoulli" in likelihood
    assert f"{spectrum.explained(2):.0%}" in latent and str(spectrum.count_for(0.8)) in latent
    chosen = validate({"latent_dim": 3, "likelihood": "gaussian"})
    assert explain_defaults(chosen, profile) == ()


def test_components_are_not_computed_for_a_choice_that_is_made():
    def find() -> PrincipalComponents:
        raise AssertionError("components were computed")

    profile = DataProfile((3, 28, 28), "unit", find_components=find)
    chosen = validate({"latent_dim": 3})
    assert explain_defaults(chosen, profile)
    assert resolve(chosen, profile).latent_dim == 3
