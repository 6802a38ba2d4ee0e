"""Inception v3 from a file of the user's own: the published layout, and files of anything else."""

import pytest
import torch
from safetensors.torch import save_file

from raising import raises
from vaekit.errors import DataError
from vaekit.evaluation import Inception, load_inception

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        inception = Inception()
        for module in inception.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        return inception.eval()


@pytest.fixture(scope="module")
def weights_file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    unused = {"fc.weight": torch.zeros(1008, 2048), "fc.bias": torch.zeros(1008)}
    torch.save({**network.state_dict(), **unused}, path)
    return path


def test_the_network_has_the_published_number_of_parameters(network):
    """23.83 million, without the 2,049,000 of the last layer (Szegedy et al., 2016)."""
    assert sum(p.numel() for p in network.parameters()) == 23_834_568 - 2_049_000


def test_features_are_those_of_the_port(network):
    """torch-fidelity 0.4.0 gave these to the last bit; it scales bytes x as x / 128 - 1."""
    ramp = torch.arange(299 * 299 * 3).reshape(1, 3, 299, 299) * 7919 % 256
    with torch.no_grad():
        features = network(ramp / 256)[0]
    expected = torch.tensor([0.0000, 0.0373, 0.0397, 0.5102, 3.7113])
    torch.testing.assert_close(features[[0, 500, 1000, 1500, 2047]], expected, atol=2e-3, rtol=1e-3)
    assert features.mean() == pytest.approx(0.51820, rel=1e-3)
    assert features.std() == pytest.approx(0.70642, rel=1e-3)


def test_weights_are_those_of_the_file(network, weights_file):
    loaded = load_inception(weights_file)
    x = torch.rand(2, 3, 20, 20)
    with torch.no_grad():
        features = loaded(x)
        torch.testing.assert_close(features, network(x))
    assert features.shape == (2, 2048)
    assert not torch.equal(features[0], features[1])
    assert not loaded.training


def test_gray_is_three_equal_channels(network):
    x = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(x.repeat(1, 3, 1, 1)))


def test_safetensors_files_are_read(network, tmp_path):
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    loaded = load_inception(tmp_path / "weights.safetensors")
    weight = loaded.Mixed_5b.branch1x1.conv.weight
    assert torch.equal(weight, network.Mixed_5b.branch1x1.conv.weight)


class Evil:
    def __reduce__(self):
        return (open, ("harm", "w"))


@pytest.mark.parametrize(
    "content",
    [None, b"no weights", [1, 2], {"conv.weight": torch.zeros(3)}, {"x": Evil()}],
    ids=["missing", "bytes", "list", "another network", "code"],
)
def test_other_files_are_refused_and_not_executed(content, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with raises(DataError, "features"):
        load_inception(path)
    assert not (tmp_path / "harm").exists()


def test_a_weight_of_another_shape_is_refused(network, tmp_path):
    weights = network.state_dict()
    weights["Mixed_7c.branch1x1.bn.weight"] = torch.zeros(7)
    torch.save(weights, tmp_path / "weights.pth")
    with raises(DataError, "features"):
        load_inception(tmp_path / "weights.pth")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "weights.pth").open("wb") as file:
        file.truncate(2**29)
    with raises(DataError, "features"):
        load_inception(tmp_path / "weights.pth")
