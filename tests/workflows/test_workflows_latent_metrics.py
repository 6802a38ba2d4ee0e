"""Figures of the latent space in an evaluation, and the warnings that they come with."""

import numpy as np
import pytest

import vaekit
from conftest import small_images, train_small


def evaluated(tmp_path, **options):
    """An evaluation of a run on labelled bars from a file."""
    data = small_images(600)
    np.savez(tmp_path / "bars.npz", x=data.train.x, y=np.array(data.classes)[data.train.y])
    run = train_small(tmp_path / "run", str(tmp_path / "bars.npz"), **options)
    return run, vaekit.evaluate(run, samples=1)


def test_a_model_that_learns_has_figures_and_no_warning_of_collapse(tmp_path):
    _, found = evaluated(tmp_path, latent_dim=2, training={"epochs": 30})
    latent = found["latent"]
    assert latent["rows"] == found["rows"] == 60 and latent["dimensions"] == latent["active"] == 2
    assert sum(latent["divergence_per_dimension"]) == pytest.approx(found["divergence"]["value"])
    assert 0.5 < latent["mutual_information"]["value"] <= np.log(60)
    assert latent["probes"]["nearest"] > latent["probes"]["most_frequent"] + 0.2
    assert not any("collapse" in warning for warning in latent["warnings"])


def test_posterior_collapse_is_told_in_words(tmp_path):
    _, found = evaluated(
        tmp_path, latent_dim=3, objective={"beta": 1000.0}, training={"epochs": 10}
    )
    assert found["latent"]["active"] == 0
    assert found["latent"]["warnings"][0].startswith(
        "codes say next to nothing about their rows, the decoder ignores z"
    )


def test_idle_dimensions_are_counted_with_the_remedy(tmp_path):
    _, found = evaluated(tmp_path, latent_dim=20, training={"epochs": 40})
    idle = 20 - found["latent"]["active"]
    assert 0 < idle < 20
    assert (
        f"{idle} of 20 dimensions carry nothing: latent_dim={20 - idle} would do"
        in found["latent"]["warnings"][0]
    )


def test_what_means_nothing_is_not_there(tmp_path):
    run, found = evaluated(
        tmp_path, posterior="deterministic", objective="reconstruction-only", latent_dim=2
    )
    assert found["latent"].keys() == {
        "rows",
        "dimensions",
        "active",
        "prior_holes",
        "probes",
        "warnings",
    }
    others = vaekit.evaluate(run, data=small_images(30).train.x, samples=1)["latent"]
    assert "probes" not in others and others["rows"] == 30


def test_discrete_codes_have_information_but_no_holes(tmp_path):
    _, found = evaluated(tmp_path, posterior={"kind": "categorical", "classes": 4}, latent_dim=3)
    assert (
        "mutual_information" in found["latent"]
        and not {"prior_holes", "active"} & found["latent"].keys()
    )


def test_where_every_class_has_a_prior_of_its_own_there_is_no_one_to_be_far_from(tmp_path):
    _, found = evaluated(tmp_path, conditional=True, prior="class-normal", latent_dim=2)
    assert (
        not {"mutual_information", "prior_holes"} & found["latent"].keys()
        and found["latent"]["active"] <= 2
    )
