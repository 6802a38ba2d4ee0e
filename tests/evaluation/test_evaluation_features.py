"""What rows are compared by."""

import hashlib

import pytest
import torch

from vaekit import data
from vaekit.errors import DataError
from vaekit.evaluation import (
    NETWORKS,
    Classifier,
    ClassifierFeatures,
    Components,
    embed,
    features,
    in_package,
)


def test_components_are_those_of_the_covariance_in_its_order():
    rows = torch.randn(400, 1, 2, 3) * torch.arange(1.0, 7).reshape(1, 2, 3)
    found = embed(Components(rows), [rows]).double()
    values = torch.linalg.eigvalsh(torch.cov(rows.flatten(1).double().T)).flip(0)
    torch.testing.assert_close(torch.cov(found.T), torch.diag(values), atol=1e-3, rtol=1e-4)
    torch.testing.assert_close(
        found.mean(0), torch.zeros(6, dtype=torch.float64), atol=1e-5, rtol=0
    )


def test_columns_of_a_table_count_by_their_deviation_and_constant_ones_not_at_all():
    rows = torch.randn(300, 2)
    table = torch.cat([rows * torch.tensor([1.0, 1000.0]), torch.full((300, 1), 7.0)], 1)
    found, wanted = (embed(Components(x), [x]) for x in (table, rows))
    torch.testing.assert_close(found[:, :2].abs(), wanted.abs(), atol=1e-4, rtol=1e-4)
    assert found[:, 2:].abs().max() < 1e-5


def test_components_of_large_rows_are_nearly_those_of_small_ones(monkeypatch):
    rows = torch.randn(300, 40) * torch.logspace(1, -2, 40)
    rows = rows.reshape(300, 1, 5, 8)
    exact = embed(Components(rows, 5), [rows])
    monkeypatch.setattr(features, "MOST_EXACT", 10)
    close = embed(Components(rows, 5), [rows])
    torch.testing.assert_close(close.abs(), exact.abs(), atol=0.05, rtol=0.02)


def test_features_are_computed_for_as_many_rows_as_they_say_they_take():
    class Few(torch.nn.Module):
        max_batch_examples = 3

        def forward(self, x):
            assert len(x) <= 3
            return x

    x = torch.randn(10, 2)
    assert torch.equal(embed(Few(), [x[:7], x[7:]]), x)


def test_there_are_64_components_at_most():
    assert Components(torch.randn(200, 100))(torch.zeros(3, 100)).shape == (3, 64)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_networks_in_the_package_are_those_that_the_hashes_name(name):
    content = (features.WEIGHTS / f"{name}.safetensors").read_bytes()
    assert hashlib.sha256(content).hexdigest() == NETWORKS[name]


def test_the_network_of_mnist_knows_its_test_digits_and_has_features_of_one_scale():
    test = data.load("mnist").test
    x, y = torch.from_numpy(test.x).float() / 255, torch.from_numpy(test.y)
    network = in_package("mnist")
    with torch.no_grad():
        found = torch.cat([network.classifier(part).argmax(1) for part in x.split(1000)])
    assert (found == y).double().mean() > 0.985
    embedded = embed(network, x.split(1000))
    assert embedded.shape == (10_000, 128) and embedded.var() == pytest.approx(1, abs=0.3)


def test_a_damaged_network_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(features, "WEIGHTS", tmp_path)
    (tmp_path / "mnist.safetensors").write_bytes(b"something else")
    with pytest.raises(DataError, match="network for mnist is damaged: reinstall vaekit"):
        in_package("mnist")


def test_learned_features_are_what_the_last_layer_reads():
    classifier = Classifier((1, 8, 8), 3).eval()
    x = torch.rand(5, 1, 8, 8)
    torch.testing.assert_close(
        classifier.layers[-1](ClassifierFeatures(classifier, "of no data")(x)), classifier(x)
    )
