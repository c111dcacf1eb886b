"""Images per second from files on disk to features: this project against torch and a DataLoader.

    python benchmarks/extract.py [--bears FOLDER] [--files NUMBER]

Same files (the 480 bears, repeated), same pretrained weights (EfficientNet-Lite0), same cores, each
side in a process of its own; imports and loading the network are not counted. Ours writes its
features to the cache on disk and makes the 32 x 32 versions as well. The peer: Pillow and timm's
evaluation transform in a DataLoader, the network in torch with channels_last and inference_mode,
with the number of workers (0, 1 or 2) and the batch (32 or 64) that are the fastest on a part of
the files. Ours runs before and after the peer, and the slower of the two counts, so that a machine
that is busy for a while favours neither side. The features of both sides must agree: a cosine of at
least 0.98 for every image and 0.999 on average (ours decodes large JPEGs at a smaller scale).
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

GOAL = 2.0
ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("black", "grizzly", "teddys")
LEAST_COSINE, MEAN_COSINE = 0.98, 0.999
TRIED_ON = 240  # files that the peer's settings are tried on


def ours(files: list[Path], work: Path) -> dict[str, Any]:
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
        np.save(work / "ours.npy", cache.rows(digests))
    return {"images_per_second": len(files) / seconds}


def peer(files: list[Path], work: Path) -> dict[str, Any]:
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
    np.save(work / "peer.npy", features)
    said = {f"{setting[0]} workers, batch {setting[1]}": value for setting, value in tried.items()}
    return {"images_per_second": speed, "workers": workers, "batch": batch, "tried": said}


def run_side(side: str, options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """One side in a new process; its figures."""
    command = [sys.executable, __file__, "--side", side, "--work", str(work)]
    command += ["--files", str(options.files)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    figures: dict[str, Any] = json.loads((work / f"{side}.json").read_text("utf-8"))
    return figures


def agreement(work: Path) -> tuple[float, float]:
    """Least and mean cosine between both sides' features of an image."""
    one, other = (np.load(work / f"{side}.npy").astype(np.float64) for side in ("ours", "peer"))
    cosines = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    return float(cosines.min()), float(cosines.mean())


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("CURATOR_BEARS", str(ROOT.parent / "shared" / "data" / "bears"))
    parser.add_argument("--bears", type=Path, default=Path(default))
    parser.add_argument("--files", type=int, default=1440)
    parser.add_argument("--side", choices=["ours", "peer"], help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        files = sorted((options.work / "files").iterdir())
        figures = {"ours": ours, "peer": peer}[options.side](files, options.work)
        (options.work / f"{options.side}.json").write_text(json.dumps(figures), "utf-8")
        return 0
    if not options.bears.is_dir():
        print(f"{options.bears} is missing: name the folder of the bears with --bears.")
        return 2
    bears = [file for name in CLASSES for file in sorted((options.bears / name).glob("*.jpg"))]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        (work / "files").mkdir()
        for number, file in enumerate(itertools.islice(itertools.cycle(bears), options.files)):
            (work / "files" / f"{number:06}.jpg").write_bytes(file.read_bytes())
        before = run_side("ours", options, work)["images_per_second"]
        print(f"ours: {before:.0f} images/s", flush=True)
        other = run_side("peer", options, work)
        for setting, speed in other["tried"].items():
            print(f"  tried on {TRIED_ON} files, {setting}: {speed:.0f} images/s")
        print(
            f"torch and a DataLoader: {other['images_per_second']:.0f} images/s"
            f" ({other['workers']} workers, batch {other['batch']})",
            flush=True,
        )
        after = run_side("ours", options, work)["images_per_second"]
        print(f"ours, again: {after:.0f} images/s")
        least, mean = agreement(work)
    print(f"cosine between both sides' features: {least:.4f} at least, {mean:.5f} on average")
    ratio = min(before, after) / other["images_per_second"]
    print(f"ratio {ratio:.1f} (goal {GOAL:.0f}): images/s from files to features, ours / torch")
    return 0 if ratio >= GOAL and least >= LEAST_COSINE and mean >= MEAN_COSINE else 1


if __name__ == "__main__":
    sys.exit(main())
