"""From photographs as cameras make them, or from addresses, to a ranked list: with an older commit.

    python benchmarks/arriving.py --against COMMIT [--images 200] [--megapixels 12]

Photographs: the bears, enlarged to that many megapixels with grain on them, so that their files are
as large as a camera's. Addresses: small pictures on the loopback, answered after 300 ms. Each side
makes a project, takes the images in, and trains *instant*, whose scores rank the queue; seconds of
both steps. Then what the scores of the two commits have in common: the largest difference of a
feature, and the rank correlation of what was measured of the images. Linux only, for the server.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sides

if TYPE_CHECKING:
    import numpy as np

GOAL = 2.0
LATENCY = 0.3  # seconds
CLASSES = ("black", "grizzly", "teddys")
MEASURES = ("dark_score", "light_score", "low_information_score", "blurry_score", "sharpness")


def photographs(bears: Path, folder: Path, count: int, megapixels: float) -> None:
    """Write ``count`` bears of so many megapixels below ``folder``, a folder a class."""
    import numpy as np
    from datasets import bear_files
    from PIL import Image

    files = bear_files(bears)
    for number, file in enumerate(files[:: max(1, len(files) // count)][:count]):
        with Image.open(file) as opened:
            small = opened.convert("RGB")
        scale = (megapixels * 1e6 / (small.width * small.height)) ** 0.5
        size = (round(small.width * scale), round(small.height * scale))
        large = np.asarray(small.resize(size, Image.Resampling.BICUBIC), dtype=np.int16)
        grain = np.random.default_rng(number).integers(-9, 10, large.shape[:2], dtype=np.int16)
        image = Image.fromarray(np.clip(large + grain[:, :, None], 0, 255).astype(np.uint8))
        target = folder / file.parent.name / f"{number}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        image.save(target, "JPEG", quality=88)


def from_folder(folder: Path, work: Path) -> dict[str, Any]:
    """Import and train; what came of it goes into a file beside ``folder``."""
    from curator.project import Project

    began = time.perf_counter()
    with Project.create(work / "project", CLASSES) as project:
        project.import_files(folder)
        came = time.perf_counter()
        project.train()
        return _figures(project, began, came)


def from_addresses(urls: list[str], work: Path) -> dict[str, Any]:
    """Fetch and train."""
    from curator.collect.http.client import FetchSettings
    from curator.project import Project

    with Project.create(work / "project", ["even", "odd"]) as project:
        project.add("even", "\n".join(urls[::2]))
        project.add("odd", "\n".join(urls[1::2]))
        began = time.perf_counter()
        project.fetch(FetchSettings(allow_private=True))
        came = time.perf_counter()
        project.train()
        return _figures(project, began, came)


def _figures(project: Any, began: float, came: float) -> dict[str, Any]:
    ended = time.perf_counter()
    import numpy as np

    from curator.encode.backbones import DEFAULT, describe
    from curator.encode.project_features import feature_cache

    with project.database.read() as connection:
        asked = f"SELECT sha256, {', '.join(MEASURES)} FROM images ORDER BY sha256"
        digests, *measures = zip(*connection.exec_driver_sql(asked).all(), strict=True)
    rows = feature_cache(project, describe(DEFAULT)).rows(digests)
    # A fixed view of the features: JSON of all of them would be large.
    some = rows @ np.random.default_rng(1).standard_normal((rows.shape[1], 8)).astype(np.float32)
    return {
        "taking in": came - began,
        "ranking": ended - came,
        "seconds": ended - began,
        "features": some.tolist(),
        "measures": dict(zip(MEASURES, measures, strict=True)),
        "not counted": time.perf_counter() - ended,
    }


def agreement(comparison: sides.Comparison) -> bool:
    """Print how features and measures of the sides differ; False where they do."""
    import numpy as np

    first, *others = (rounds[0] for rounds in comparison.rounds.values())
    good = True
    for other in others:
        ours, theirs = np.array(first["features"]), np.array(other["features"])
        apart = float(np.abs(ours - theirs).max() / np.abs(theirs).std())
        ranks = {
            name: _rank_correlation(np.array(first["measures"][name]), np.array(values))
            for name, values in other["measures"].items()
        }
        worst = min(ranks, key=ranks.__getitem__)
        print(f"features: at most {apart:.1e} of their spread apart")
        print(f"measures: rank correlation {ranks[worst]:.4f} and more ({worst})")
        good = good and apart < 1e-2 and ranks[worst] >= 0.99
    return good


def _rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats import spearmanr

    return float(spearmanr(a, b).statistic) if len(set(a.tolist())) > 1 else 1.0


def main() -> int:
    """Measure both ways in, print the figures, return the exit status."""
    from loopback import serving

    parser = sides.Options(__doc__, bears=True, against=True, repeats=3)
    parser.size("--images", 200, 12, "photographs, and ten times as many addresses")
    parser.add_argument("--megapixels", type=float, default=12.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sides.commits(options.against) as roots:
        photographs(options.bears, Path(folder), options.images, options.megapixels)
        for root in roots.values():
            from datasets import once_per_machine

            sides.in_process(once_per_machine, root=root)
        print(f"{options.images} photographs of {options.megapixels:g} megapixels", flush=True)
        taken = sides.compare(
            [
                sides.side(name, from_folder, Path(folder), root=root)
                for name, root in roots.items()
            ],
            options.repeats,
        )
        with serving(10 * options.images, LATENCY, 0, 0) as urls:
            print(f"{len(urls)} addresses, {LATENCY * 1000:.0f} ms latency", flush=True)
            got = sides.compare(
                [sides.side(name, from_addresses, urls, root=root) for name, root in roots.items()],
                options.repeats,
            )
    for result in (taken, got):
        for figure in ("taking in", "ranking", "seconds"):
            print(figure)
            result.tell(figure, "s")
    sides.record(options, taken=taken, got=got)
    if not options.against:
        return 0
    same = agreement(taken)
    fast = sides.verdict(
        taken.ratio(options.against, "seconds"), GOAL, "photographs to a ranked list"
    )
    return 0 if same and fast else 1


if __name__ == "__main__":
    sys.exit(main())
