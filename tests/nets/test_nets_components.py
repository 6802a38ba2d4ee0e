import torch
from torch import nn

from vaekit.nets.components import ComponentsDecoder, ComponentsEncoder

MEAN = torch.tensor([1.0, 2.0, 3.0, 4.0])
DIRECTIONS = torch.eye(4)[:2]
VARIANCES = torch.tensor([4.0, 9.0])


def test_the_scores_follow_the_features_and_have_variance_one():
    encoder = ComponentsEncoder(nn.Flatten(), (1, 2, 2), 3)
    encoder.init_from_components(MEAN, DIRECTIONS, VARIANCES)
    x = (MEAN + torch.tensor([2.0, 6.0, 5.0, 5.0])).view(1, 1, 2, 2)
    expected = torch.cat([x.flatten(1), torch.tensor([[1.0, 2.0, 0.0]])], 1)
    torch.testing.assert_close(encoder(x), expected)


def test_the_decoder_starts_linear_whatever_its_net():
    net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4), nn.Unflatten(1, (1, 2, 2)))
    decoder = ComponentsDecoder(net, 2, (1, 2, 2))
    decoder.init_from_components(MEAN, DIRECTIONS, VARIANCES.sqrt())
    z = torch.tensor([[1.0, -1.0]])
    expected = MEAN + torch.tensor([2.0, -3.0, 0.0, 0.0])
    torch.testing.assert_close(decoder(z), expected.view(1, 1, 2, 2))


def test_the_net_learns_from_the_first_step():
    net = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4))
    decoder = ComponentsDecoder(net, 2, (4,))
    decoder.init_from_components(MEAN, DIRECTIONS, VARIANCES.sqrt())
    decoder(torch.ones(3, 2)).square().sum().backward()
    assert net[2].weight.grad.abs().sum() > 0 and decoder.mix.weight.grad.abs().sum() > 0
    assert {name for name, _ in decoder.named_buffers()} == {"mean", "directions"}


def test_only_locations_are_moved_and_scales_stay():
    net = nn.Sequential(nn.Linear(2, 8), nn.Unflatten(1, (2, 2, 2)))
    decoder = ComponentsDecoder(net, 2, (1, 2, 2))
    decoder.init_from_components(MEAN, DIRECTIONS, VARIANCES.sqrt())
    out = decoder(torch.zeros(1, 2)).flatten()
    torch.testing.assert_close(out, torch.cat([MEAN, torch.zeros(4)]))


def test_a_condition_reaches_the_net_alone():
    class Net(nn.Module):
        def forward(self, x, condition):
            return torch.cat([x, condition], 1)

    encoder = ComponentsEncoder(Net(), (4,), 2)
    encoder.init_from_components(MEAN, DIRECTIONS, VARIANCES)
    x = MEAN[None]
    torch.testing.assert_close(
        encoder(x, torch.ones(1, 3)), torch.cat([x, torch.ones(1, 3), torch.zeros(1, 2)], 1)
    )
