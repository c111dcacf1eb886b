"""Groups of parameters, the head's start, and a network given back as it came."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from curator.encode import torchvision_compat
from curator.errors import InputError
from curator.learn.finetune.network import Classifier, classifier, parameter_groups, restoring
from tests.learn.finetune.small import FEATURES, small_body, small_network


def bodies() -> list[tuple[nn.Module, int]]:
    """A timm network and a torchvision one, small, without weights."""
    torchvision_compat.prepare()
    import timm
    import torchvision

    resnet = torchvision.models.resnet18()
    resnet.fc = nn.Identity()
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=0, depth=3)
    return [(resnet, 512), (vit, 192)]


@pytest.mark.slow
def test_rates_rise_from_the_first_layer_to_the_head() -> None:
    """Each parameter is in one group; order of rates is the order of layers; norms do not decay."""
    for body, dimension in bodies():
        network = classifier(body, dimension, 3)
        groups = parameter_groups(network, 1e-3, 10, 0.05)
        rate_of = {id(p): group["rate"] for group in groups for p in group["params"]}
        assert sum(len(group["params"]) for group in groups) == len(rate_of)
        named = dict(network.named_parameters())
        assert rate_of.keys() == {id(parameter) for parameter in named.values()}
        rates = [rate_of[id(parameter)] for parameter in named.values()]
        assert rates == sorted(rates)
        assert rates[0] == pytest.approx(1e-4)
        assert rates[-1] == pytest.approx(1e-3)
        for group in groups:
            decays = {parameter.ndim >= 2 for parameter in group["params"]}
            assert decays == {group["weight_decay"] > 0}


def test_a_frozen_body_has_no_group() -> None:
    """With the body frozen the head alone is optimised."""
    network = small_network()
    network.freeze_body()
    assert network.frozen
    groups = parameter_groups(network, 1e-3, 10, 0.05)
    assert [[p.shape for p in group["params"]] for group in groups] == [[(10, FEATURES)], [(10,)]]
    network.unfreeze()
    assert not network.frozen


def test_the_head_starts_from_another() -> None:
    """A head that was trained before says the same on the body's features."""
    random = np.random.default_rng(0)
    weights = random.normal(size=(3, FEATURES)).astype(np.float32)
    bias = random.normal(size=3).astype(np.float32)
    body = small_body().eval()
    network = classifier(body, FEATURES, 3, (weights, bias)).eval()
    pictures = torch.randn(5, 3, 28, 28)
    with torch.no_grad():
        expected = body(pictures).numpy() @ weights.T + bias
        np.testing.assert_allclose(network(pictures).numpy(), expected, atol=1e-5)
    with pytest.raises(InputError, match="does not fit 4 classes"):
        classifier(body, FEATURES, 4, (weights, bias))


def test_the_head_starts_from_its_seed() -> None:
    """Equal seeds give equal heads, whatever torch's own generator says."""
    torch.manual_seed(1)
    first: Classifier = classifier(small_body(), FEATURES, 3, seed=9)
    torch.manual_seed(2)
    second: Classifier = classifier(small_body(), FEATURES, 3, seed=9)
    assert torch.equal(first.head.weight, second.head.weight)
    assert float(first.head.weight.detach().std()) > 0


def test_a_network_is_given_back_as_it_came() -> None:
    """Weights, statistics, gradients, modes: all as before, also after an error."""
    network = small_network()
    network.freeze_body()
    network.learn(batch_statistics=True)
    assert network.training
    before = {name: value.clone() for name, value in network.state_dict().items()}

    def change() -> None:
        with restoring(network):
            network.unfreeze()
            network(torch.randn(4, 3, 28, 28)).sum().backward()
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter.add_(1)
            raise RuntimeError("on the way")

    with pytest.raises(RuntimeError, match="on the way"):
        change()
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])
    assert network.frozen
    assert not network.body.training
    assert all(parameter.grad is None for parameter in network.parameters())
