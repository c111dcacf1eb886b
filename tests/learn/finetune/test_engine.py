"""One step and one prediction: the loss, what learns, and memory that runs out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

from curator.errors import DeviceFull
from curator.learn.evaluation import metrics
from curator.learn.finetune.data import Feed
from curator.learn.finetune.device import Precision, precision_of
from curator.learn.finetune.engine import Engine, predict, smooth_loss
from curator.learn.finetune.network import Classifier, classifier
from curator.learn.finetune.settings import EngineSettings
from tests.learn.finetune.small import FEATURES, FRAME, small_body, small_network

if TYPE_CHECKING:
    from curator.learn.finetune.data import Data

# fastbook, chapter 5.
ACTIVATION_TARGETS = [0, 1, 0, 1, 1, 0]
ACTIVATION_LOSSES = [0.5067, 0.6973, 2.0160, 5.6958, 0.9062, 1.0048]


def activations() -> torch.Tensor:
    """Six rows of two activations, as in the book."""
    generator = torch.Generator().manual_seed(42)
    return torch.randn((6, 2), generator=generator) * 2


def test_the_losses_of_fastbook() -> None:
    """Both losses, training's and the ranking's, give the numbers that the book prints."""
    targets = torch.tensor(ACTIVATION_TARGETS)
    shares = nn.functional.one_hot(targets, 2).float()
    one_by_one = [
        float(smooth_loss(activations()[row : row + 1], shares[row : row + 1], 0.0))
        for row in range(6)
    ]
    assert one_by_one == pytest.approx(ACTIVATION_LOSSES, abs=5e-5)
    assert float(smooth_loss(activations(), shares, 0.0)) == pytest.approx(1.8045, abs=5e-5)
    ranked = metrics.cross_entropy(metrics.softmax(activations().numpy()), targets.numpy())
    assert ranked.tolist() == pytest.approx(ACTIVATION_LOSSES, abs=5e-5)
    assert ranked.mean() == pytest.approx(1.8045, abs=5e-5)


def test_label_smoothing_spreads_the_target() -> None:
    """A tenth of smoothing over two classes: 0.95 of the label's loss, 0.05 of the other's."""
    logits = activations()
    targets = torch.tensor(ACTIVATION_TARGETS)
    each = -logits.log_softmax(1)
    rows = torch.arange(6)
    expected = (0.95 * each[rows, targets] + 0.05 * each[rows, 1 - targets]).mean()
    shares = nn.functional.one_hot(targets, 2).float()
    torch.testing.assert_close(smooth_loss(logits, shares, 0.1), expected)


def one_step(
    network: Classifier, data: Data, settings: EngineSettings, *, frozen: bool
) -> tuple[float, Engine]:
    """Learn from the first 24 training rows at the full rate."""
    with Feed(data.pixels, "cpu") as feed:
        engine = Engine(network, data, settings, "cpu", feed)
        engine.begin(frozen=frozen)
        torch.manual_seed(0)
        (loss,) = engine.steps([data.train[:24]], np.random.default_rng(0))
    return float(loss), engine


def test_a_frozen_body_does_not_move(data: Data) -> None:
    """Neither its weights nor its running statistics; the head learns."""
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    one_step(network, data, EngineSettings(), frozen=True)
    changed = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    assert changed == {"head.weight", "head.bias"}


@pytest.mark.parametrize("follow", [True, False])
def test_an_unfrozen_body_moves_whole(data: Data, follow: bool) -> None:
    """Every weight changes in one step, and the running statistics where they are to follow."""
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    one_step(network, data, EngineSettings(batch_statistics=follow), frozen=False)
    after = network.state_dict()
    same = {name for name, value in after.items() if torch.equal(value, before[name])}
    statistics = {name for name in after if "running" in name or "tracked" in name}
    assert len(statistics) == 9
    assert same == (set() if follow else statistics)


class Cramped(nn.Module):
    """A body with room for ``most`` images at a time, which it really refuses to exceed."""

    def __init__(self, body: nn.Module, most: int) -> None:
        super().__init__()
        self.inner = body
        self.most = most

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Features, or the error that torch raises on a full GPU."""
        if len(pictures) > self.most:
            raise torch.OutOfMemoryError(f"{len(pictures)} images do not fit")
        return self.inner(pictures)


def without_batch_statistics() -> nn.Module:
    """Like the small body, but each image by itself."""
    return nn.Sequential(
        nn.Conv2d(3, FEATURES, 3, 2, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )


@pytest.mark.parametrize("mixup", [0.0, 0.4])
def test_a_full_device_halves_the_batch_and_learns_the_same(data: Data, mixup: float) -> None:
    """Parts of 6 give the loss and the weights that the whole batch of 24 gives, and say so."""
    settings = EngineSettings(batch=24, mixup=mixup)
    torch.manual_seed(3)
    body = without_batch_statistics()
    state = {name: value.clone() for name, value in body.state_dict().items()}
    whole = classifier(body, FEATURES, 10)
    expected, plain = one_step(whole, data, settings, frozen=False)
    again = without_batch_statistics()
    again.load_state_dict(state)
    cramped = classifier(Cramped(again, 7), FEATURES, 10)
    found, engine = one_step(cramped, data, settings, frozen=False)
    assert found == pytest.approx(expected, rel=1e-5)
    assert plain.notes == []
    assert [("parts of 12" in note, "parts of 6" in note) for note in engine.notes] == [
        (True, False),
        (False, True),
    ]
    for (name, value), other in zip(
        cramped.state_dict().items(), whole.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(value, other, atol=1e-5, rtol=1e-4, msg=name)


def test_a_device_that_holds_nothing_is_named(data: Data) -> None:
    """Where not even one image fits, the error says what to do."""
    network = classifier(Cramped(small_body(), 0), FEATURES, 10)
    with pytest.raises(DeviceFull, match="one image") as caught:
        one_step(network, data, EngineSettings(), frozen=False)
    assert "smaller backbone" in caught.value.fix


def test_predictions_shrink_their_batches(data: Data) -> None:
    """Predicting with room for 5 images gives what predicting with room for all gives."""
    whole = small_network()
    cramped = Classifier(Cramped(whole.body, 5), whole.head)
    rows = data.valid[:23]
    expected = predict(whole, data.pixels, FRAME, rows, "cpu")
    found = predict(cramped, data.pixels, FRAME, rows, "cpu")
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_predictions_see_the_centre_crop(data: Data) -> None:
    """Logits are the network's own on the normalised middle of each picture, in row order."""
    network = small_network().eval()
    rows = np.array([7, 3, 150, 3])
    pixels = torch.from_numpy(data.pixels.read(rows)).float()[:, :, 2:30, 2:30] / 255
    with torch.no_grad():
        expected = network((pixels - 0.5) / 0.5)
        mirrored = network(((pixels - 0.5) / 0.5).flip(3))
    found = predict(network, data.pixels, FRAME, rows, "cpu")
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    both = predict(network, data.pixels, FRAME, rows, "cpu", flip=True)
    np.testing.assert_allclose(both, ((expected + mirrored) / 2).numpy(), atol=1e-5)
    assert predict(network, data.pixels, FRAME, rows[:0], "cpu").shape == (0, 10)


def test_training_views_may_be_smaller(data: Data) -> None:
    """With train_scale 0.5 the network learns from 14 px and is judged at 28 px."""
    sizes: list[int] = []

    class Watching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = small_body()

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            sizes.append(pictures.shape[-1])
            return self.inner(pictures)

    network = classifier(Watching(), FEATURES, 10)
    _, engine = one_step(network, data, EngineSettings(train_scale=0.5), frozen=False)
    with Feed(data.pixels, "cpu") as engine.feed:
        engine.evaluate(data.valid[:4])
    assert sizes == [14, 28]


def test_float32_on_a_cpu() -> None:
    """The number format comes with its reason."""
    precision = precision_of("cpu")
    assert precision.name == "float32"
    assert precision.reason


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_gpu_learns_like_the_cpu(data: Data) -> None:
    """On a GPU the pictures lie there, half precision is used, and the loss is the CPU's."""
    settings = EngineSettings(batch=24)
    expected, _ = one_step(small_network(), data, settings, frozen=True)
    network = classifier(small_body(), FEATURES, 10, device="cuda")
    with Feed(data.pixels, "cuda") as feed:
        assert feed.resident
        engine = Engine(network, data, settings, "cuda", feed)
        assert engine.precision.name in {"bfloat16", "float16"}
        (loss,) = engine.steps([data.train[:24]], np.random.default_rng(0))
        assert float(loss) == pytest.approx(expected, rel=0.05)
        found = engine.evaluate(data.valid)
        assert found[1] <= 1
    small = dataclasses.replace(data, valid=data.valid[:1])
    assert predict(network, small.pixels, FRAME, small.valid, "cuda").shape == (1, 10)


def test_the_path_of_a_gpu_on_the_cpu(data: Data, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half precision, resident pictures and channels-last: the same code, without a GPU.

    The loss is that of float32 to the precision of bfloat16, weights and gradients stay float32.
    """
    settings = EngineSettings(batch=24, frozen_epochs=0)
    plain = small_network()
    expected, _ = one_step(plain, data, settings, frozen=False)
    judged = predict(plain, data.pixels, FRAME, data.valid, "cpu")
    half = Precision("bfloat16", "told so")
    monkeypatch.setattr("curator.learn.finetune.engine.precision_of", lambda _device: half)
    monkeypatch.setattr(Feed, "_fits", lambda _self: True)
    network = small_network()
    seen: dict[str, torch.Tensor] = {}
    network.body[0].register_forward_hook(lambda _m, given, said: seen.update(x=given[0], y=said))
    with Feed(data.pixels, "cpu") as feed:
        assert feed.resident
        engine = Engine(network, data, settings, "cpu", feed)
        torch.manual_seed(0)
        (loss,) = engine.steps([data.train[:24]], np.random.default_rng(0))
        assert seen["y"].dtype == torch.bfloat16
        assert seen["x"].is_contiguous(memory_format=torch.channels_last)
        assert all(p.grad is None or p.grad.dtype == torch.float32 for p in network.parameters())
        assert float(loss) == pytest.approx(expected, rel=0.05)
        found = predict(network, data.pixels, FRAME, data.valid, "cpu", feed)
    np.testing.assert_allclose(found, judged, atol=0.02)
