"""Features that sets of examples are compared by."""

import hashlib

import pytest
import torch

from raising import raises
from vaekit import data
from vaekit.errors import DataError
from vaekit.evaluation import (
    NETWORKS,
    Classifier,
    ClassifierFeatures,
    Components,
    embed,
    features,
    packaged_features,
)

pytestmark = pytest.mark.slow


def test_components_are_eigenvectors_of_the_covariance_in_descending_order():
    x = torch.randn(400, 1, 2, 3) * torch.arange(1.0, 7).reshape(1, 2, 3)
    embedded = embed(Components(x), [x]).double()
    eigenvalues = torch.linalg.eigvalsh(torch.cov(x.flatten(1).double().T)).flip(0)
    covariance = torch.cov(embedded.T)
    torch.testing.assert_close(covariance, torch.diag(eigenvalues), atol=1e-3, rtol=1e-4)
    zeros = torch.zeros(6, dtype=torch.float64)
    torch.testing.assert_close(embedded.mean(0), zeros, atol=1e-5, rtol=0)


def test_columns_of_a_table_are_scaled_by_their_deviation_and_constant_ones_ignored():
    x = torch.randn(300, 2)
    table = torch.cat([x * torch.tensor([1.0, 1000.0]), torch.full((300, 1), 7.0)], 1)
    embedded, expected = (embed(Components(each), [each]) for each in (table, x))
    torch.testing.assert_close(embedded[:, :2].abs(), expected.abs(), atol=1e-4, rtol=1e-4)
    assert embedded[:, 2:].abs().max() < 1e-5


def test_components_by_random_projections_are_close_to_the_exact_ones(monkeypatch):
    x = torch.randn(300, 40) * torch.logspace(1, -2, 40)
    x = x.reshape(300, 1, 5, 8)
    exact = embed(Components(x, 5), [x])
    monkeypatch.setattr(features, "MAX_EXACT_VALUES", 10)
    projected = embed(Components(x, 5), [x])
    torch.testing.assert_close(projected.abs(), exact.abs(), atol=0.05, rtol=0.02)


def test_features_are_computed_in_batches_of_their_own_size():
    class SmallBatches(torch.nn.Module):
        max_batch_examples = 3

        def forward(self, x):
            assert len(x) <= 3
            return x

    x = torch.randn(10, 2)
    assert torch.equal(embed(SmallBatches(), [x[:7], x[7:]]), x)


def test_there_are_64_components_at_most():
    assert Components(torch.randn(200, 100))(torch.zeros(3, 100)).shape == (3, 64)


@pytest.mark.parametrize("name", NETWORKS)
def test_packaged_networks_have_their_checksums(name):
    content = (features.WEIGHTS / f"{name}.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == NETWORKS[name]


def test_the_packaged_network_of_mnist_classifies_test_digits_and_has_standardized_features():
    test = data.load("mnist").test
    x = torch.from_numpy(test.x).float() / 255
    y = torch.from_numpy(test.y)
    network = packaged_features("mnist")
    with torch.no_grad():
        predicted = torch.cat([network.classifier(part).argmax(1) for part in x.split(1000)])
    assert (predicted == y).double().mean() > 0.985
    embedded = embed(network, x.split(1000))
    assert embedded.shape == (10_000, 128)
    assert embedded.var() == pytest.approx(1, abs=0.3)


def test_a_damaged_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "WEIGHTS", tmp_path)
    (tmp_path / "mnist.safetensors").write_bytes(b"something else")
    with raises(DataError):
        packaged_features("mnist")


def test_classifier_features_are_the_input_of_the_last_layer():
    classifier = Classifier((1, 8, 8), 3).eval()
    x = torch.rand(5, 1, 8, 8)
    logits = classifier.layers[-1](ClassifierFeatures(classifier, "of no data")(x))
    torch.testing.assert_close(logits, classifier(x))
