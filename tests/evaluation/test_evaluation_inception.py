"""Inception v3 from a file of the user's own: the published layout, and files that are something else."""

import pytest
import torch
from safetensors.torch import save_file

from vaekit.errors import DataError
from vaekit.evaluation import Inception, load_inception


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = Inception()
        for module in made.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)
        return made.eval()


@pytest.fixture(scope="module")
def file(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(
        {
            **network.state_dict(),
            "fc.weight": torch.zeros(1008, 2048),
            "fc.bias": torch.zeros(1008),
        },
        path,
    )
    return path


def test_it_has_the_parameters_that_are_published(network):
    """23.85 million with the last layer of 1,000 classes, which has 2,049,000 of them (Szegedy et al., 2016)."""
    assert sum(p.numel() for p in network.parameters()) == 23_834_568 - 2_049_000


def test_it_gives_what_the_port_gives(network):
    """Of these weights and this image torch-fidelity 0.4.0 gave the same to the last bit; it scales bytes x as x / 128 - 1."""
    ramp = torch.arange(299 * 299 * 3).reshape(1, 3, 299, 299) * 7919 % 256
    with torch.no_grad():
        found = network(ramp / 256)[0]
    wanted = torch.tensor([0.0000, 0.0373, 0.0397, 0.5102, 3.7113])
    torch.testing.assert_close(found[[0, 500, 1000, 1500, 2047]], wanted, atol=2e-3, rtol=1e-3)
    assert found.mean() == pytest.approx(0.51820, rel=1e-3) and found.std() == pytest.approx(
        0.70642, rel=1e-3
    )


def test_a_file_gives_its_weights(network, file):
    found, x = load_inception(file), torch.rand(2, 3, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(found(x), network(x))
        assert found(x).shape == (2, 2048) and not torch.equal(found(x)[0], found(x)[1])


def test_gray_is_three_equal_channels(network):
    x = torch.rand(1, 1, 20, 20)
    with torch.no_grad():
        torch.testing.assert_close(network(x), network(x.repeat(1, 3, 1, 1)))


def test_files_of_safetensors_are_read_too(network, tmp_path):
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    assert torch.equal(
        load_inception(tmp_path / "weights.safetensors").Mixed_5b.branch1x1.conv.weight,
        network.Mixed_5b.branch1x1.conv.weight,
    )


class Evil:
    def __reduce__(self):
        return (open, ("harm", "w"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"no weights", "is damaged, or no file of weights"),
        ([1, 2], "is no file of weights: it must hold tensors by name"),
        (
            {"conv.weight": torch.zeros(3)},
            "is not Inception v3 with the names of PyTorch's port: Conv2d_1a_3x3.conv.weight",
        ),
        ({"x": Evil()}, "is damaged, or no file of weights"),
    ],
)
def test_what_is_something_else_is_refused_and_not_executed(
    content, message, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(DataError, match=message):
        load_inception(path)
    assert not (tmp_path / "harm").exists()


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with (tmp_path / "weights.pth").open("wb") as file:
        file.truncate(2**29)
    with pytest.raises(DataError, match="536,870,912 bytes, Inception v3 about 100 million"):
        load_inception(tmp_path / "weights.pth")
