"""Requests are limited by their examples and by the values of all examples."""

import math
from dataclasses import fields

import numpy as np
import pytest
from server_client import post, served

from conftest import train_small
from raising import raises
from vaekit.errors import ConfigError
from vaekit.server import Limits


@pytest.mark.parametrize("name", [field.name for field in fields(Limits)])
def test_limits_are_at_least_one(name: str):
    assert getattr(Limits(**{name: 1}), name) == 1
    with raises(ConfigError, name):
        Limits(**{name: 0})


@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (1, 28, 28), (2000,)])
@pytest.mark.parametrize(("examples", "values"), [(10, 1000), (1000, 1000), (4, 3000)])
def test_max_examples_is_the_most_whose_values_fit_and_at_least_one(
    shape, examples: int, values: int
):
    allowed = Limits(max_examples=examples, max_values=values).max_examples_of(shape)
    size = math.prod(shape)
    assert 1 <= allowed <= examples
    assert allowed == 1 or allowed * size <= values
    assert allowed == examples or (allowed + 1) * size > values


def test_values_of_images_limit_inputs_and_outputs(small_run):
    app = served(small_run, max_values=64 * 3)
    for examples, status in ((3, 200), (4, 422)):
        images = np.zeros((examples, 1, 8, 8), np.uint8)
        assert post(app, "encode", images).status_code == status
        assert post(app, "score", images).status_code == status
        assert post(app, "decode", np.zeros((examples, 3))).status_code == status
        assert post(app, "sample", {"count": examples}).status_code == status


def test_values_of_latent_codes_larger_than_images_limit_both(tmp_path):
    app = served(train_small(tmp_path / "run", latent_dim=100), max_values=100 * 3)
    for examples, status in ((3, 200), (4, 422)):
        assert post(app, "decode", np.zeros((examples, 100))).status_code == status
        images = np.zeros((examples, 1, 8, 8), np.uint8)
        assert post(app, "encode", images).status_code == status


def test_the_default_number_of_samples_is_within_its_limit(small_run):
    app = served(small_run, max_samples=3)
    x = np.zeros((2, 1, 8, 8)).tolist()
    default = post(app, "score", {"x": x})
    assert default.json() == post(app, "score", {"x": x, "samples": 3}).json()
    assert post(app, "score", {"x": x, "samples": 4}).status_code == 422
