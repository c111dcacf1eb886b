"""An exported model: bytes of its files, first answer of `curator predict`, images a second.

    python benchmarks/bundle.py [--repeats 5] [--images 100]

The model is an instant one of the bears. Each round starts `curator predict MODEL PICTURE` and
counts the seconds until it has ended with its answer. Images a second are of prepared pixels, by
``model.onnx``, by ``model.int8.onnx`` and by torch from the same weights, in batches of 4.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import sides
from serve import trained

GOAL = 1.0  # seconds to the first answer


def first_answer(model: Path, picture: Path, _work: Path) -> sides.Figures:
    """Seconds of the command."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "curator", "predict", model, picture],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return {"seconds": time.perf_counter() - began}


def speed(model: Path, pictures: list[Path], how: str, _work: Path) -> sides.Figures:
    """Images a second, once all is loaded."""
    import numpy as np

    from curator.deliver import by_torch
    from curator.deliver.predict import Predictor
    from curator.deliver.received import read_config
    from curator.imaging.decoding import decode

    predictor = Predictor.load(model, int8=how == "int8")
    pixels = np.stack([predictor.prepare(decode(each)) for each in pictures])
    asked = by_torch.model(model, read_config(model)) if how == "torch" else predictor.ask
    asked(pixels[:8])
    began = time.perf_counter()
    if how == "torch":
        for start in range(0, len(pixels), 4):
            asked(pixels[start : start + 4])
    else:
        asked(pixels)
    return {"per_second": len(pixels) / (time.perf_counter() - began)}


def main() -> int:
    """Measure, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears=True, repeats=5)
    parser.size("--images", 100, 12, "pictures that the speed is measured on")
    parser.add_argument("--model", type=Path, help="an exported model of the bears; else trained")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        model = options.model or Path(place, "model")
        if options.model is None:
            sides.in_process(trained, options.bears, model)
        pictures = sorted(options.bears.rglob("*.jpg"))[: options.images]
        for file in sorted(model.iterdir()):
            print(f"{file.name}: {file.stat().st_size:,} bytes")
        small = ["int8"] if (model / "model.int8.onnx").exists() else []
        speeds = sides.compare(
            [sides.side(how, speed, model, pictures, how) for how in ("onnx", *small, "torch")],
            options.repeats,
        )
        speeds.tell("per_second", "images/s", more_is_better=True)
        first = sides.compare(
            [sides.side("predict", first_answer, model, pictures[0])], options.repeats
        )
        first.tell("seconds", "s from the command to its answer")
    sides.record(options, speeds=speeds, first=first)
    spread = first.spread("predict", "seconds")
    return 0 if sides.verdict(spread, GOAL, "seconds to the first answer", at_most=True) else 1


if __name__ == "__main__":
    sys.exit(main())
