"""The model of a service: loaded once, and what has become of its folder since."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from curator.deliver.predict import Predictor
from curator.deliver.received import CONFIG_FILE, read_config

if TYPE_CHECKING:
    from collections.abc import Sequence

Stamp = tuple[tuple[str, int, int], ...]


class Model:
    """A loaded bundle that answers with plain values.

    ``classes``: in the order of the outputs, length K; ``backbone``: how pictures are prepared;
    ``sha256``: of its config, which names those of all its files. Raises BundleInvalid.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        self.folder = folder.expanduser().resolve()
        self._stamp = _stamp(self.folder)
        config = read_config(self.folder)
        self._predictor = Predictor.load(self.folder, threads=threads)
        self.classes: tuple[str, ...] = self._predictor.classes
        self.backbone = config.backbone.model_dump()
        self.refuses = self._predictor.refuses
        self.sha256 = config.sha256.config
        self._shape = (3, config.backbone.size, config.backbone.size)

    def ask(self, pictures: Sequence[bytes]) -> list[dict[str, Any]]:
        """Answer for each of N pictures, the bytes of uint8 (3, S, S)."""
        pixels = np.stack(
            [np.frombuffer(picture, np.uint8).reshape(self._shape) for picture in pictures]
        )
        return [
            {
                "predictions": [[label, round(share, 6)] for label, share in answer.predictions],
                "none_of_these": answer.none_of_these,
            }
            for answer in self._predictor.judge(self._predictor.ask(pixels))
        ]

    def on_disk(self) -> str:
        """What has become of the folder since it was loaded: "same", "changed" or "gone"."""
        if not (self.folder / CONFIG_FILE).is_file():
            return "gone"
        return "same" if _stamp(self.folder) == self._stamp else "changed"


def _stamp(folder: Path) -> Stamp:
    """Name, size and time of every file."""
    try:
        files = sorted(os.scandir(folder), key=lambda entry: entry.name)
        return tuple(
            (file.name, (about := file.stat()).st_size, about.st_mtime_ns) for file in files
        )
    except OSError:
        return ()
