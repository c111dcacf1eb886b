"""Images per second from files on disk to features: this project against torch and a DataLoader.

    python benchmarks/extract.py [--bears FOLDER] [--files NUMBER]

Same files (the 480 bears, repeated), same pretrained weights (EfficientNet-Lite0), same cores, each
side in a process of its own; imports and loading the network are not counted. Ours writes its
features to the cache on disk and makes the 32 x 32 versions as well. The peer: Pillow and timm's
evaluation transform in a DataLoader, the network in torch with channels_last and inference_mode,
with the number of workers (0, 1 or 2) and the batch (32 or 64) that are the fastest on a part of
the files. Ours runs before and after the peer, which runs twice; the lower of the two ratios
counts, so that a machine that is busy for a while favours neither side. The features of both sides
must agree: a cosine of at least 0.98 for every image and 0.999 on average (ours decodes large JPEGs
at a smaller scale).
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import sides
from datasets import bear_files

GOAL = 2.0
LEAST_COSINE, MEAN_COSINE = 0.98, 0.999
TRIED_ON = 240  # files that the peer's settings are tried on


def ours(files: list[Path], shared: Path, work: Path) -> dict[str, Any]:
    """Extract with this project's modules into caches below ``work``."""
    from curator.encode.backbones import DEFAULT, choose
    from curator.encode.encoder import Encoder
    from curator.encode.extract import extract
    from curator.encode.feature_cache import FeatureCache
    from curator.encode.preprocess import TINY_DIMENSION

    encoder = Encoder(choose(DEFAULT, "cpu"))
    size = encoder.backbone.size
    encoder.encode(np.zeros((8, 3, size, size), np.uint8))
    # Copies of a file are different images here: the name stands for the content.
    digests = [hashlib.sha256(file.name.encode()).hexdigest() for file in files]
    with tempfile.TemporaryDirectory(dir=work) as folder:
        began = time.perf_counter()
        cache = FeatureCache(Path(folder), encoder.backbone.key, encoder.backbone.dimension)
        tiny = FeatureCache(Path(folder), "tiny", TINY_DIMENSION, "uint8")
        failed = extract(list(zip(digests, files, strict=True)), cache, tiny, encoder)
        seconds = time.perf_counter() - began
        assert not failed, failed
        np.save(shared / "ours.npy", cache.rows(digests))
    return {"images_per_second": len(files) / seconds}


def torch_loader(files: list[Path], shared: Path, _work: Path) -> dict[str, Any]:
    """Extract as a torch user does, with the best of the settings that are tried."""
    from curator.encode import torchvision_compat
    from curator.encode.backbones import EFFICIENTNET_LITE0, load_network

    network = load_network(EFFICIENTNET_LITE0)
    torchvision_compat.prepare()
    import torch
    from PIL import Image
    from timm.data import create_transform

    transform = create_transform(
        (3, 224, 224),
        crop_pct=0.875,
        interpolation="bicubic",
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
    )
    network = network.to(memory_format=torch.channels_last)

    class Files(torch.utils.data.Dataset):  # type: ignore[type-arg]
        def __init__(self, chosen: list[Path]) -> None:
            self.chosen = chosen

        def __len__(self) -> int:
            return len(self.chosen)

        def __getitem__(self, index: int) -> torch.Tensor:
            with Image.open(self.chosen[index]) as image:
                return transform(image.convert("RGB"))

    def run(chosen: list[Path], workers: int, batch: int) -> tuple[float, np.ndarray]:
        began = time.perf_counter()
        loader = torch.utils.data.DataLoader(Files(chosen), batch_size=batch, num_workers=workers)
        with torch.inference_mode():
            parts = [
                network(images.contiguous(memory_format=torch.channels_last)).numpy()
                for images in loader
            ]
        return len(chosen) / (time.perf_counter() - began), np.concatenate(parts)

    run(files[:32], 0, 32)
    tried = {
        (workers, batch): run(files[:TRIED_ON], workers, batch)[0]
        for workers in (0, 1, 2)
        for batch in (32, 64)
    }
    workers, batch = max(tried, key=lambda setting: tried[setting])
    speed, features = run(files, workers, batch)
    np.save(shared / "torch.npy", features)
    return {"images_per_second": speed, "workers": workers, "batch": batch}


def agreement(work: Path) -> tuple[float, float]:
    """Least and mean cosine between both sides' features of an image."""
    one, other = (np.load(work / f"{side}.npy").astype(np.float64) for side in ("ours", "torch"))
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return float(cosines.min()), float(cosines.mean())


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears=True, repeats=2)
    parser.size("--files", 1440, 64, "files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = []
        bears = itertools.cycle(bear_files(options.bears))
        for number, file in enumerate(itertools.islice(bears, options.files)):
            files.append(Path(folder, f"{number:06}.jpg"))
            files[-1].write_bytes(file.read_bytes())
        result = sides.compare(
            [
                sides.side(sides.OURS, ours, files, Path(folder)),
                sides.side("torch", torch_loader, files, Path(folder)),
            ],
            options.repeats,
        )
        least, mean = agreement(Path(folder))
    result.tell("images_per_second", "images/s", more_is_better=True)
    for figures in result.rounds["torch"]:
        print(f"    torch: {figures['workers']} workers, batch {figures['batch']} were fastest")
    print(f"cosine between both sides' features: {least:.4f} at least, {mean:.5f} on average")
    sides.record(options, features=result)
    ratio = result.ratio("torch", "images_per_second", more_is_better=True)
    fast = sides.verdict(ratio.low, GOAL, "images/s from files to features, ours / torch")
    return 0 if fast and least >= LEAST_COSINE and mean >= MEAN_COSINE else 1


if __name__ == "__main__":
    sys.exit(main())
