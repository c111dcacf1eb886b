"""The network that is fine-tuned: a body that turns pictures into features, and a linear head.

Groups of parameters from the first layers to the head learn at their own rates: what the first
layers know (edges, colours) serves any picture, the last layers must change most.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from curator.errors import InputError
from curator.learn.finetune.device import to_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Steps of the rate between the first layers and the last: finer ones cost time and change nothing.
_LEVELS = 6


class Classifier(nn.Module):
    """``body``: normalised pictures (N, 3, S, S) to features (N, D); ``head``: to logits (N, K)."""

    def __init__(self, body: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits (N, K)."""
        logits: torch.Tensor = self.head(self.body(pictures))
        return logits

    def freeze_body(self) -> None:
        """Let the head alone learn."""
        self.body.requires_grad_(False)

    def unfreeze(self) -> None:
        """Let all layers learn."""
        self.requires_grad_(True)

    def learn(self, *, batch_statistics: bool) -> None:
        """Modes for learning: a frozen body stays in evaluation.

        Without ``batch_statistics`` batch normalisation keeps the running statistics that it has;
        its scales and shifts learn all the same.
        """
        self.train()
        if self.frozen:
            self.body.eval()
        if not batch_statistics:
            for module in self.body.modules():
                if isinstance(module, nn.modules.batchnorm._BatchNorm):
                    module.eval()

    @property
    def frozen(self) -> bool:
        """Whether the body learns nothing."""
        return not any(parameter.requires_grad for parameter in self.body.parameters())


def classifier(
    body: nn.Module,
    dimension: int,
    classes: int,
    start: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    device: str = "cpu",
    seed: int = 42,
) -> Classifier:
    """A network for ``classes`` classes (2 or more) on ``body``'s ``dimension`` features.

    ``start``: weights (K, D) and bias (K,) of a head trained before on the body's features, such as
    the instant recipe's; else small random weights drawn from ``seed``. Raises
    :class:`~curator.errors.InputError` for shapes that do not fit.
    """
    # Not filled with random numbers: the caller's generator is left alone.
    head: nn.Linear = nn.utils.skip_init(  # type: ignore[no-untyped-call]
        nn.Linear, dimension, classes
    )
    with torch.no_grad():
        if start is None:
            generator = torch.Generator().manual_seed(seed)
            bound = 1 / math.sqrt(dimension)
            head.weight.uniform_(-bound, bound, generator=generator)
            head.bias.zero_()
        else:
            weights, bias = start
            if weights.shape != (classes, dimension) or bias.shape != (classes,):
                raise InputError(
                    f"A head of {weights.shape} weights and {bias.shape} bias does not fit"
                    f" {classes} classes on {dimension} features.",
                    "Start from a head of the same backbone and classes, or from none.",
                )
            head.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights, np.float32)))
            head.bias.copy_(torch.from_numpy(np.ascontiguousarray(bias, np.float32)))
    network = Classifier(body, head)
    to_device(network, device)
    return network


def parameter_groups(
    network: Classifier, rate: float, spread: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Groups for an optimiser, of the parameters that learn: the first layers first, head last.

    Each has ``rate``: the head's is ``rate``, the body's rise geometrically from ``rate`` /
    ``spread`` to ``rate`` in the order in which the layers are written down, which in timm's and
    torchvision's networks is that in which they are run. Norms and biases do not decay.
    """
    layers: dict[str, list[nn.Parameter]] = {}
    for name, parameter in network.body.named_parameters():
        if parameter.requires_grad:
            layers.setdefault(name.rpartition(".")[0], []).append(parameter)
    leveled: dict[int, list[nn.Parameter]] = {}
    for number, parameters in enumerate(layers.values()):
        level = number * _LEVELS // len(layers)
        leveled.setdefault(level, []).extend(parameters)
    rates = {
        level: rate * spread ** (level / (_LEVELS - 1) - 1) if spread > 1 else rate
        for level in range(_LEVELS)
    }
    found = [(rates[level], leveled[level]) for level in sorted(leveled)]
    found.append((rate, list(network.head.parameters())))
    return [
        {"params": chosen, "rate": own, "lr": own, "weight_decay": decay}
        for own, parameters in found
        for chosen, decay in (
            ([p for p in parameters if p.ndim >= 2], weight_decay),
            ([p for p in parameters if p.ndim < 2], 0.0),
        )
        if chosen
    ]


@contextlib.contextmanager
def restoring(network: Classifier) -> Iterator[None]:
    """Give the network back as it came: weights, statistics, what learns, mode of each module."""
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    learning = [parameter.requires_grad for parameter in network.parameters()]
    modes = {module: module.training for module in network.modules()}
    try:
        yield
    finally:
        network.load_state_dict(state)
        for parameter, learns in zip(network.parameters(), learning, strict=True):
            parameter.requires_grad_(learns)
            parameter.grad = None
        for module, training in modes.items():
            module.training = training
