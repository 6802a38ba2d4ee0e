"""The importance-weighted bound stays within a budget, and says of how many examples it is."""

import pytest

import vaekit
from conftest import small_images
from vaekit.core.operations import decoding_operations
from vaekit.evaluation import marginal_likelihood
from vaekit.evaluation.marginal_likelihood import MIN_EXAMPLES, plan_importance_sampling
from vaekit.inference.bounds import importance_weighted_bound
from vaekit.runs.run_data import RunData


@pytest.fixture
def afford(small_run, monkeypatch):
    """Sets the budget to that of 20 samples of N examples."""

    def set_budget(examples: int) -> None:
        budget = 20 * examples * decoding_operations(small_run.model)
        monkeypatch.setattr(marginal_likelihood, "DECODING_BUDGET", budget)

    return set_budget


def test_the_default_is_20_samples_of_as_many_examples_as_the_budget_allows(small_run, afford):
    afford(30)
    assert plan_importance_sampling(small_run.model, 1000, None) == (20, 30)
    assert plan_importance_sampling(small_run.model, 29, None) == (20, 29)
    afford(0)
    assert plan_importance_sampling(small_run.model, 1000, None) == (20, MIN_EXAMPLES)


def test_samples_that_are_asked_for_are_taken_of_all_examples(small_run, afford):
    afford(1)
    assert plan_importance_sampling(small_run.model, 1000, 500) == (500, 1000)


def test_a_small_model_affords_every_example_of_mnist():
    model = vaekit.build("conv", small_images(20, (1, 28, 28)))
    assert plan_importance_sampling(model, 10_000, None) == (20, 10_000)


def test_a_bound_of_fewer_examples_is_that_of_random_ones(small_run, afford):
    afford(25)
    evaluation = vaekit.evaluate(small_run, split="train", generated_examples=0, seed=3)
    assert (evaluation.importance_samples, evaluation.bound_examples) == (20, 25)
    assert evaluation.examples > 25
    inputs = small_run.inputs(RunData.load(small_run).examples("train")).random(25, 3)
    bound = importance_weighted_bound(small_run.model, inputs, 20, seed=3).mean().item()
    assert evaluation.importance_weighted_bound.value == bound
    assert "25 examples" in evaluation.bound_size
