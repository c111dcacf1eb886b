"""One picture after another, answered by a project's model or an exported one, with evidence.

The evidence is the nearest of the project's training images, by the cosine of the features that the
project keeps. Pictures are decoded in processes of their own; no torch is imported for an instant
run.
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from PIL import Image

from curator.collect.http.client import FetchSettings
from curator.collect.http.downloader import Wanted, download
from curator.deliver.predict import Answer, Answers, judged
from curator.encode import project_features
from curator.encode.backbones import choose
from curator.encode.backbones.description import described
from curator.errors import DataError, InputError, ProjectAltered
from curator.files import temporary_folder
from curator.imaging.decoding import MAX_PIXELS
from curator.learn.evaluation.metrics import softmax
from curator.learn.recipes import recipe_named
from curator.learn.recording import HEAD_FILE, kept_tensors
from curator.learn.strangers.from_run import fit_gate
from curator.platform import shell_command
from curator.records import Record
from curator.serve.decoding import Decoders
from curator.serve.model import Model
from curator.store import images, jobs, runs, schema
from curator.store.classes import names_by_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from curator.encode.encoder import Encoder
    from curator.store.workspace import Workspace

LARGEST = 50_000_000  # bytes of a picture
NEAREST = 6
_SECONDS = 60.0  # for decoding one picture
_AT_ONCE = 4096  # rows of features


@dataclass(frozen=True)
class NearImage(Record):
    """A training image like the picture."""

    image_id: int
    label: str
    similarity: float
    """Cosine of the features, -1..1."""


@dataclass(frozen=True, kw_only=True)
class Tried(Record):
    """What the model says of a picture."""

    sentence: str
    """Such as "grizzly 93.1 %" or "none of these, nearest: grizzly 41 %"."""
    predictions: tuple[tuple[str, float], ...]
    """(label, probability 0..1), likeliest first."""
    none_of_these: bool
    nearest: tuple[NearImage, ...]
    """Nearest first; empty without a project."""
    image_id: int | None
    """The project's image with the same content, if it has one,"""
    label: str | None
    """and that image's class."""
    picture: bytes = field(repr=False)
    """What the network saw of it, as PNG."""

    def to_dict(self) -> dict[str, object]:
        """All fields but ``picture``."""
        said = super().to_dict()
        del said["picture"]
        return said


class AnsweringModel(Protocol):
    """What :class:`curator.serve.model.Model` and :class:`RunModel` are."""

    classes: tuple[str, ...]
    backbone: dict[str, Any]

    def ask(self, pictures: Sequence[bytes]) -> list[dict[str, Any]]:
        """Answer for each of N pictures, the bytes of uint8 (3, S, S)."""


class RunModel:
    """The model of an instant run, as it is kept: the stored network and the run's head.

    Raises ProjectAltered, WeightsMissing, WeightsAltered.
    """

    def __init__(self, workspace: Workspace, run: runs.Run, labels: Mapping[int, str]) -> None:
        self.classes = tuple(labels[class_id] for class_id in run.class_ids)
        choice = choose(run.backbone, "cpu")
        backbone = choice.backbone
        self.backbone = described(backbone)
        kept = workspace.runs_folder / str(run.id)
        head = kept_tensors(kept, HEAD_FILE, {"weight": 2, "bias": 1})
        wanted = (len(self.classes), backbone.dimension)
        if head is None or head["weight"].shape != wanted or head["bias"].shape != wanted[:1]:
            raise ProjectAltered(
                f"The head of run {run.id} is missing, or is not what was kept.", "Train again."
            )
        self._weight, self._bias = head["weight"], head["bias"]
        self._mirror = bool(run.settings.get("mirror"))
        self._gate = fit_gate(workspace, run)
        self._encoder = project_features.encoder(choice)
        self._shape = (3, backbone.size, backbone.size)

    def ask(self, pictures: Sequence[bytes]) -> list[dict[str, Any]]:
        """See :class:`AnsweringModel`."""
        pixels = np.stack([np.frombuffer(each, np.uint8).reshape(self._shape) for each in pictures])
        views = [pixels, pixels[..., ::-1].copy()] if self._mirror else [pixels]
        features = np.mean([self._encoder.encode(view) for view in views], axis=0)
        shares = softmax(features @ self._weight.T + self._bias).astype(np.float32)
        return [
            {"predictions": answer.predictions, "none_of_these": answer.none_of_these}
            for answer in judged(self.classes, Answers(shares, features), self._gate)
        ]


class Trial:
    """Answers about pictures, from the model in the folder ``model``, or of the run in use.

    ``workspace``: the project whose images are the evidence. ``title``: what answers. One thread at
    a time may ask. Raises NoRun, InputError for a fine-tuned run that was not exported, and what
    loading the model raises.
    """

    def __init__(self, workspace: Workspace | None, model: Path | None = None) -> None:
        self._workspace = workspace
        self.model: AnsweringModel
        if model is not None:
            self.model, self.title = Model(model), model.name
        else:
            assert workspace is not None
            self.model, self.title = _of_project(workspace)
        self._decoders: dict[tuple[Any, ...], Decoders] = {}
        self._encoder: Encoder | None = None

    def __enter__(self) -> Trial:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes that decode."""
        for each in self._decoders.values():
            each.close()
        self._decoders.clear()

    def ask(self, content: bytes) -> Tried:
        """Answer about the picture in a file's bytes. Raises DataError for what is no picture."""
        pixels = self._pixels(content, self.model.backbone)
        said = self.model.ask([pixels])[0]
        predictions = tuple((str(label), float(share)) for label, share in said["predictions"])
        none = bool(said["none_of_these"])
        image_id, label = self._known(content)
        return Tried(
            sentence=_sentence(predictions, none),
            predictions=predictions,
            none_of_these=none,
            nearest=self._nearest(content, pixels),
            image_id=image_id,
            label=label,
            picture=_png(pixels, int(self.model.backbone["size"])),
        )

    def _pixels(self, content: bytes, backbone: dict[str, Any]) -> bytes:
        """The picture as a network of that description sees it: uint8 (3, S, S)."""
        key = tuple(sorted((name, str(value)) for name, value in backbone.items()))
        if key not in self._decoders:
            self._decoders[key] = Decoders(backbone, MAX_PIXELS, 1, _SECONDS)
        verdict = self._decoders[key].submit(content).result()
        if verdict.reason is not None:
            raise DataError(
                f"This is no picture that can be read. {verdict.detail}", "Try another."
            )
        return verdict.pixels

    def _known(self, content: bytes) -> tuple[int | None, str | None]:
        """The project's image with this content, and its class."""
        if self._workspace is None:
            return None, None
        digest = hashlib.sha256(content).hexdigest()
        with self._workspace.database.read() as connection:
            found = images.with_digest(connection, digest)
        return found or (None, None)

    def _nearest(self, content: bytes, pixels: bytes) -> tuple[NearImage, ...]:
        workspace = self._workspace
        if workspace is None:
            return ()
        with workspace.database.read() as connection:
            if runs.latest_id(connection) is None:
                return ()
            run = runs.to_export(connection)
            table = images.live(connection)
        table = table[table["split"] == schema.TRAIN].reset_index(drop=True)
        choice = choose(run.backbone, "cpu")
        cache = project_features.feature_cache(workspace, choice.backbone)
        lacking = set(cache.missing(table["sha256"].tolist()))
        table = table[~table["sha256"].isin(lacking)].reset_index(drop=True)
        if table.empty:
            return ()
        own = described(choice.backbone)
        if own != self.model.backbone:
            pixels = self._pixels(content, own)
        size = choice.backbone.size
        asked = np.frombuffer(pixels, np.uint8).reshape(1, 3, size, size)
        if self._encoder is None:
            self._encoder = project_features.encoder(choice)
        query = _unit(self._encoder.encode(asked))[0]
        digests = table["sha256"].tolist()
        cosines = np.concatenate(
            [
                _unit(cache.rows(digests[start : start + _AT_ONCE])) @ query
                for start in range(0, len(digests), _AT_ONCE)
            ]
        )
        order = np.argsort(-cosines, kind="stable")[:NEAREST]
        return tuple(
            NearImage(image_id, label, round(float(cosine), 4))
            for image_id, label, cosine in zip(
                table["image_id"].iloc[order].tolist(),
                table["label"].iloc[order].tolist(),
                cosines[order],
                strict=True,
            )
        )


def fetched(
    address: str, settings: FetchSettings | None = None, cancelled: Callable[[], bool] = bool
) -> bytes:
    """The bytes of the picture at an address, guarded as all downloads are. Raises DataError."""
    import tempfile

    chosen = FetchSettings(min_side=1, max_bytes=LARGEST) if settings is None else settings
    with tempfile.TemporaryDirectory(prefix="curator-") as root, temporary_folder(Path(root)) as at:
        for outcome in download([Wanted(0, address)], at, chosen, cancelled):
            if outcome.file is not None:
                return (at / outcome.file).read_bytes()
            raise DataError(
                f"The address gave no picture. {outcome.detail}", "Try another, or drop the file."
            )
    raise DataError("The address gave no picture.", "Try it again.")


def content_of(picture: str | Path | bytes) -> bytes:
    """The bytes of a picture: a file's, or what an address gives. Raises InputError, DataError."""
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, str) and picture.strip().lower().startswith(("http://", "https://")):
        return fetched(picture.strip())
    path = Path(picture).expanduser()
    try:
        if not path.is_file():
            raise InputError(f"There is no file {path}.", "Name a picture, or its address.")
        if path.stat().st_size > LARGEST:
            raise InputError(f"{path} is larger than 50 MB.", "Try a smaller picture.")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} could not be read: {error.strerror}.", "Try another.") from error


def exported_model(workspace: Workspace, run_id: int) -> Path | None:
    """The folder of the newest export of a run's model, if it is still there."""
    folder, result = jobs.written(workspace.database, "export-model")
    return folder if result.get("run") == run_id else None


def _of_project(workspace: Workspace) -> tuple[AnsweringModel, str]:
    """The model of the run in use: as it is kept, or of a fine-tuned run as it was exported."""
    with workspace.database.read() as connection:
        run = runs.to_export(connection)
        labels = names_by_id(connection)
    if recipe_named(run.recipe).keeps_head:
        return RunModel(workspace, run, labels), f"the model of {run.title}"
    folder = exported_model(workspace, run.id)
    if folder is None:
        raise InputError(
            f"The network of {run.title} was fine-tuned: it answers from its exported folder.",
            f"Write it first: {shell_command('curator', 'export-model', workspace.path, 'OUT')}",
        )
    return Model(folder), f"the model of {run.title}"


def _unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    result: NDArray[np.float32] = rows / np.maximum(norms, 1e-12)
    return result


def _png(pixels: bytes, size: int) -> bytes:
    array = np.frombuffer(pixels, np.uint8).reshape(3, size, size).transpose(1, 2, 0)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(array)).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _sentence(predictions: Sequence[tuple[str, float]], none: bool) -> str:
    label, share = predictions[0]
    if none:
        return Answer(tuple(predictions), none_of_these=True).sentence
    return f"{label} {100 * share:.1f} %"
