"""Predicting from an exported model alone: no project is needed, and no torch.

``model.onnx`` takes pixels and answers with calibrated probabilities and the features behind them;
ONNX Runtime runs it. The way from a picture to pixels is the training's own code, steered by the
bundle's ``config.json``. Bundles of formats 1 and 2 hold weights alone; torch reads those.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from curator.deliver.received import (
    AGAIN,
    INT8_FILE,
    ONNX_FILE,
    Config,
    read_config,
    read_gate,
    read_graph,
)
from curator.encode.graphs import CPU_BATCH, open_graph
from curator.encode.preprocess import prepare_image
from curator.errors import BundleInvalid, InputError
from curator.records import Record

if TYPE_CHECKING:
    from PIL import Image

    from curator.learn.strangers.gate import Gate

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Model = Callable[[Pixels], tuple[Floats, Floats]]
"""Pixels (N, 3, S, S) to probabilities (N, K) and features (N, D)."""

SHOWN, SMALLEST_SHOWN = 5, 0.001  # labels in a sentence, and the probability that is worth a word


@dataclass(frozen=True)
class Answer(Record):
    """What the model says of one picture."""

    predictions: tuple[tuple[str, float], ...]
    """(label, probability 0..1) of every class, likeliest first; they sum to 1."""
    none_of_these: bool = False
    """Whether the picture shows none of the classes, as far as the model can tell."""
    familiarity: float | None = None
    """How much it looks like what was learnt from, 0..1, "none of these" below a half; None where
    the model cannot tell."""

    @property
    def sentence(self) -> str:
        """Such as "grizzly 93.1 %, black 5.0 %", or "none of these, nearest: grizzly 41 %"."""
        label, share = self.predictions[0]
        if self.none_of_these:
            return f"none of these, nearest: {label} {share:.0%}".replace("%", " %")
        shown = [item for item in self.predictions[:SHOWN] if item[1] >= SMALLEST_SHOWN]
        return ", ".join(f"{label} {100 * share:.1f} %" for label, share in shown)

    def to_dict(self) -> dict[str, object]:
        """As JSON: ``predictions`` (label and probability each), and the rest by name."""
        return {
            "predictions": [
                {"label": label, "probability": share} for label, share in self.predictions
            ],
            "none_of_these": self.none_of_these,
            "familiarity": self.familiarity,
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Answers:
    """What the model says of N pictures: probabilities (N, K), rows sum to 1; features (N, D)."""

    probabilities: Floats
    features: Floats


def judged(classes: Sequence[str], asked: Answers, gate: Gate | None) -> list[Answer]:
    """What a model said, as an :class:`Answer` for each picture.

    ``classes``: in the order of the probabilities; ``gate``: tells who shows none of them.
    """
    strange: Sequence[bool] = [False] * len(asked.probabilities)
    familiar: Sequence[float | None] = [None] * len(asked.probabilities)
    if gate is not None:
        above = gate.score(asked.features) - gate.threshold
        strange = (above < 0).tolist()
        familiar = (1 / (1 + np.exp(-np.clip(above, -30, 30)))).tolist()
    order = np.argsort(-asked.probabilities, axis=1, kind="stable")
    return [
        Answer(
            tuple((classes[k], float(shares[k])) for k in ranks),
            none_of_these=none,
            familiarity=much,
        )
        for shares, ranks, none, much in zip(
            asked.probabilities, order, strange, familiar, strict=True
        )
    ]


class Predictor:
    """A loaded bundle; one may be asked from several threads at once.

    ``classes``: the labels in the order of the outputs, length K. ``size``: side S of the square
    that the network sees, in pixels. ``resize``: the short side that a picture is brought to before
    the crop; a decoder may leave out what is finer. ``refuses``: whether it tells pictures that
    show none of the classes.
    """

    def __init__(self, config: Config, model: Model, gate: Gate | None = None) -> None:
        self._backbone = config.backbone.backbone()
        self._model = model
        self._gate = gate
        self.classes = tuple(config.classes)
        self.size = self._backbone.size
        self.resize = self._backbone.resize
        self.refuses = gate is not None

    @classmethod
    def load(
        cls, folder: str | Path, *, threads: int | None = None, int8: bool = False
    ) -> Predictor:
        """Read a bundle that anyone may have made; see :mod:`curator.deliver.received`.

        ``threads``: cores that an answer may use; all unless told. ``int8``: the smaller model
        beside the other, where the export kept one. Raises :class:`BundleInvalid` for a missing,
        altered, unreadable or unsuitable file, :class:`InputError` where there is no int8 model.
        """
        path = Path(folder).expanduser()
        config = read_config(path)
        if int8 and config.sha256.int8 is None:
            raise InputError(f"{path} holds no {INT8_FILE}.", "Use the model without int8.")
        if config.has_graph:
            name = INT8_FILE if int8 else ONNX_FILE
            model = _graph(read_graph(path, config, name), path / name, threads)
        else:
            from curator.deliver import by_torch

            name, model = "model.safetensors", by_torch.model(path, config)
        predictor = cls(config, model, read_gate(path, config))
        predictor._try_out(path / name, config.backbone.dimension)
        return predictor

    def prepare(self, picture: Image.Image) -> Pixels:
        """The pixels (3, S, S) of an RGB picture that the network sees, 0..255."""
        return prepare_image(picture, self._backbone)

    def ask(self, pixels: Pixels) -> Answers:
        """What the model says of N prepared pictures, uint8 (N, 3, S, S); N may be 0.

        Raises :class:`InputError` for another shape or type.
        """
        if pixels.dtype != np.uint8 or pixels.shape[1:] != (3, self.size, self.size):
            raise InputError(
                f"The model takes uint8 (N, 3, {self.size}, {self.size}), not {pixels.dtype}"
                f" {pixels.shape}.",
                "Prepare each picture with Predictor.prepare.",
            )
        pieces = [
            self._model(pixels[start : start + CPU_BATCH])
            for start in range(0, max(1, len(pixels)), CPU_BATCH)
        ]
        probabilities, features = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        return Answers(probabilities, features)

    def answers(self, pictures: Sequence[Image.Image]) -> list[Answer]:
        """What the model says of each RGB picture."""
        if not pictures:
            return []
        return self.judge(self.ask(np.stack([self.prepare(picture) for picture in pictures])))

    def judge(self, asked: Answers) -> list[Answer]:
        """What :meth:`ask` said as an :class:`Answer` for each picture."""
        return judged(self.classes, asked, self._gate)

    def predict(self, picture: Image.Image) -> list[tuple[str, float]]:
        """(label, probability 0..1) for one RGB picture, likeliest first; they sum to 1."""
        return list(self.answers([picture])[0].predictions)

    def _try_out(self, path: Path, dimension: int) -> None:
        """Ask about two black pictures: a model that answers something else is refused."""
        black = np.zeros((2, 3, self.size, self.size), np.uint8)
        try:
            said = self.ask(black)
            fits = said.probabilities.shape == (2, len(self.classes)) and (
                said.features.shape == (2, dimension)
            )
            sums = said.probabilities.sum(axis=1)
        except Exception as error:  # whatever a graph can be made to raise
            raise BundleInvalid(f"{path} cannot be run: {error!s:.300}", AGAIN) from error
        if not fits:
            raise BundleInvalid(f"{path} does not answer for the classes of config.json.", AGAIN)
        if not (np.isfinite(said.features).all() and np.abs(sums - 1).max() < 1e-3):
            raise BundleInvalid(f"{path} answers with what is no number or no share.", AGAIN)


def _graph(data: bytes, path: Path, threads: int | None) -> Model:
    """The function that an ONNX file of a bundle is."""
    try:
        session = open_graph(data, threads, received=True)
    except Exception as error:  # onnxruntime's errors have no common class
        raise BundleInvalid(f"{path} cannot be run: {error!s:.300}", AGAIN) from error
    inputs = [(each.name, each.type) for each in session.get_inputs()]
    outputs = {each.name: each.type for each in session.get_outputs()}
    wanted = {"probabilities": "tensor(float)", "features": "tensor(float)"}
    if inputs != [("pixels", "tensor(uint8)")] or outputs != wanted:
        raise BundleInvalid(f"{path} is no graph from pixels to probabilities.", AGAIN)

    def ask(pixels: Pixels) -> tuple[Floats, Floats]:
        probabilities, features = session.run(list(wanted), {"pixels": pixels})
        return probabilities, features

    return ask
