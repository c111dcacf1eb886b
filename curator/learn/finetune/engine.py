"""One batch: views, forward, loss, backward, step; and predictions.

Everything above it (epochs, the rate finder, estimates) asks the engine for steps. When the
device's memory runs out, the batch is cut into parts whose gradients add up, so the step stays
that of the whole batch (batch normalisation alone sees the parts).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from curator.errors import DeviceFull
from curator.learn.finetune import augment
from curator.learn.finetune.averaging import Averaged
from curator.learn.finetune.data import Data, Feed, Frame, Pixels, batches_of
from curator.learn.finetune.device import Precision, free_cache, out_of_memory, precision_of
from curator.learn.finetune.network import Classifier, parameter_groups

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from curator.learn.finetune.settings import EngineSettings

# Adam's second beta and epsilon as in fastai: short runs need a short memory.
_SECOND_BETA, _EPSILON = 0.99, 1e-5
_PREDICT_BATCH = 64


class Engine:
    """A network on its device with its optimiser. ``notes`` says what had to be changed."""

    def __init__(
        self,
        network: Classifier,
        data: Data,
        settings: EngineSettings,
        device: str,
        feed: Feed,
    ) -> None:
        self.network = network
        self.data = data
        self.settings = settings
        self.device = device
        self.feed = feed
        self.notes: list[str] = []
        self.precision: Precision = precision_of(device)
        self.batch = settings.batch_for(device, len(data.train))
        self._parts = 1  # that a batch is cut into
        self._scaler = torch.amp.GradScaler(device, enabled=self.precision.scaled)
        self.view_scale = settings.train_scale
        self.begin(frozen=settings.frozen_epochs > 0)

    def begin(self, *, frozen: bool) -> None:
        """Start a phase with a new optimiser; ``frozen``: the head alone learns."""
        settings = self.settings
        self.network.unfreeze()
        if frozen:
            self.network.freeze_body()
        rate = settings.rate if frozen else settings.upper_rate
        groups = parameter_groups(self.network, rate, settings.spread, settings.weight_decay)
        fused = self.device != "mps"
        self.optimizer = torch.optim.AdamW(
            groups, betas=(0.9, _SECOND_BETA), eps=_EPSILON, fused=fused
        )
        self._average = Averaged(self.network, settings.weight_average)

    @property
    def judged(self) -> Classifier:
        """The network that is judged and kept: of averaged weights, where they are asked for."""
        return self._average.network

    def extra(self) -> dict[str, float]:
        """State of a run beside the networks and the optimiser."""
        return {
            "parts": self._parts,
            "scale": self._scaler.get_scale(),
            "averaged": self._average.steps,
        }

    def restore_extra(self, extra: dict[str, float]) -> None:
        """Take up what :meth:`extra` said."""
        self._parts = int(extra["parts"])
        self._average.steps = int(extra["averaged"])
        if self.precision.scaled:
            self._scaler = torch.amp.GradScaler(self.device, init_scale=extra["scale"])

    def set_rate(self, share: float, momentum: float | None = None) -> None:
        """Learn at ``share`` of each group's own rate."""
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * share
            if momentum is not None:
                group["betas"] = (momentum, _SECOND_BETA)

    def steps(
        self, batches: Sequence[NDArray[np.int64]], random: np.random.Generator
    ) -> Iterator[torch.Tensor]:
        """Learn from each batch of rows in turn; give its mean loss, a scalar on the device.

        The loss is the plain cross-entropy of what the network said in training, without label
        smoothing, so that it compares with :meth:`evaluate`'s. Set rates between two steps.
        """
        self.network.learn(batch_statistics=self.settings.batch_statistics)
        for rows, pixels in zip(batches, self.feed.batches(batches), strict=True):
            yield self._step(rows, pixels, random)

    def _step(
        self, rows: NDArray[np.int64], pixels: torch.Tensor, random: np.random.Generator
    ) -> torch.Tensor:
        views = augment.draw(random, len(rows), self.settings, self.data.part)
        mixed = augment.mix(random, len(rows), self.settings.mixup) if self.settings.mixup else None
        targets = self._targets(rows)
        while True:
            try:
                loss = self._accumulate(pixels, views, targets, mixed)
                break
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                self._halve(len(rows), error)
        if self.settings.clip is not None:
            self._scaler.unscale_(self.optimizer)
            learning = [p for p in self.network.parameters() if p.grad is not None]
            nn.utils.clip_grad_norm_(learning, self.settings.clip)
        self._scaler.step(self.optimizer)
        self._scaler.update()
        self._average.update(self.network)
        return loss

    def _accumulate(
        self,
        pixels: torch.Tensor,
        views: augment.Views,
        targets: torch.Tensor,
        mixed: tuple[NDArray[np.int64], NDArray[np.float32]] | None,
    ) -> torch.Tensor:
        """Gradients of the whole batch, part by part; its mean loss."""
        self.optimizer.zero_grad(set_to_none=True)
        count = len(pixels)
        total = torch.zeros((), device=self.device)
        for chosen in np.array_split(np.arange(count), min(self._parts, count)):
            pictures = self._look(pixels, views, chosen)
            wanted = targets[torch.from_numpy(chosen).to(self.device)]
            if mixed is not None:
                partner, share = mixed
                others = partner[chosen]
                own = torch.from_numpy(share[chosen]).to(self.device).reshape(-1, 1)
                amount = own.reshape(-1, 1, 1, 1)
                pictures = pictures * amount + self._look(pixels, views, others) * (1 - amount)
                wanted = wanted * own + targets[torch.from_numpy(others).to(self.device)] * (
                    1 - own
                )
            logits = self._forward(pictures)
            loss = smooth_loss(logits, wanted, self.settings.label_smoothing) * len(chosen) / count
            self._scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            plain = functional.cross_entropy(logits.detach(), wanted)
            total += plain * len(chosen) / count
        return total

    def _look(
        self, pixels: torch.Tensor, views: augment.Views, chosen: NDArray[np.int64]
    ) -> torch.Tensor:
        part = augment.Views(views.maps[chosen], views.contrast[chosen], views.brightness[chosen])
        picked = pixels[torch.from_numpy(chosen).to(self.device)]
        side = max(8, round(self.data.frame.size * self.view_scale))
        return normalised(augment.apply(picked, part, side), self.data.frame)

    def _targets(self, rows: NDArray[np.int64]) -> torch.Tensor:
        labels = torch.from_numpy(self.data.labels[rows])
        return functional.one_hot(labels, self.data.classes).float().to(self.device)

    def _forward(self, pictures: torch.Tensor) -> torch.Tensor:
        network = self.network
        with self.precision.autocast(self.device):
            if not network.frozen:
                logits: torch.Tensor = network(pictures)
                return logits.float()
            with torch.no_grad():
                features = network.body(pictures)
            logits = network.head(features)
            return logits.float()

    def _halve(self, count: int, error: BaseException) -> None:
        """Cut batches into twice as many parts. Raises DeviceFull when there is nothing to cut."""
        if self._parts >= count:
            raise DeviceFull(
                f"The memory of {self.device} does not hold a training step of one image.",
                "Close other programs that use it, choose a smaller backbone, or train on the CPU.",
            ) from error
        self._parts *= 2
        free_cache(self.device)
        self.notes.append(
            f"The memory of {self.device} ran out: batches of {self.batch} are now learnt in parts"
            f" of {-(-self.batch // self._parts)} whose gradients add up."
        )

    def evaluate(
        self,
        rows: NDArray[np.int64],
        check: Callable[[], None] = lambda: None,
    ) -> tuple[float, float]:
        """Mean cross-entropy and error rate 0..1 on ``rows`` (1 or more), at the centre crop."""
        logits = predict(
            self.judged,
            self.data.pixels,
            self.data.frame,
            rows,
            self.device,
            self.feed,
            check=check,
        )
        labels = self.data.labels[rows]
        loss = functional.cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels))
        wrong = float((logits.argmax(axis=1) != labels).mean())
        return float(loss), wrong


def smooth_loss(logits: torch.Tensor, targets: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Mean cross-entropy of ``logits`` (N, K) with ``targets`` (N, K), shares that sum to 1.

    ``smoothing``: the share of each target that is spread over all classes, 0..1 (Szegedy et al.,
    2016).
    """
    return functional.cross_entropy(logits, targets, label_smoothing=smoothing)


def normalised(pictures: torch.Tensor, frame: Frame) -> torch.Tensor:
    """Values 0..1 (N, 3, H, W) as the network expects them, laid out channels-last."""
    shape = (1, 3, 1, 1)
    mean = torch.tensor(frame.mean, device=pictures.device).reshape(shape)
    std = torch.tensor(frame.std, device=pictures.device).reshape(shape)
    return ((pictures - mean) / std).contiguous(memory_format=torch.channels_last)


def predict(
    network: Classifier,
    pixels: Pixels,
    frame: Frame,
    rows: NDArray[np.int64],
    device: str,
    feed: Feed | None = None,
    *,
    flip: bool = False,
    mirrored: bool = False,
    check: Callable[[], None] = lambda: None,
) -> NDArray[np.float32]:
    """Logits (len(rows), K) of those pictures' centre crops, in evaluation mode.

    ``flip``: the mean with the mirrored crops' logits; ``mirrored``: those alone. ``check`` is
    called before each batch and may raise to stop. Batches shrink when the device's memory runs
    out.
    """
    if feed is None:
        with Feed(pixels, device, resident=False) as own:
            return predict(
                network,
                pixels,
                frame,
                rows,
                device,
                own,
                flip=flip,
                mirrored=mirrored,
                check=check,
            )
    looks = (False, True) if flip else (mirrored,)
    part = frame.size / pixels.side
    precision = precision_of(device)
    network.eval()
    size, start, found = _PREDICT_BATCH, 0, []
    with torch.inference_mode():
        while start < len(rows):
            batches = batches_of(rows[start:], size)
            try:
                for batch in feed.batches(batches):
                    check()
                    with precision.autocast(device):
                        logits = [
                            _looked(network, batch, frame, part, mirrored=swapped)
                            for swapped in looks
                        ]
                    found.append(torch.stack(logits).mean(dim=0).cpu().numpy())
                    start += len(batch)
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error) or size == 1:
                    raise
                size //= 2
                free_cache(device)
    if not found:
        return np.empty((0, network.head.out_features), np.float32)
    return np.concatenate(found)


def _looked(
    network: Classifier, batch: torch.Tensor, frame: Frame, part: float, *, mirrored: bool
) -> torch.Tensor:
    views = augment.identity(len(batch), part, mirrored=mirrored)
    logits: Any = network(normalised(augment.apply(batch, views, frame.size), frame))
    result: torch.Tensor = logits.float()
    return result
