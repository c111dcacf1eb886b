"""Ask the model of this folder about pictures: python example.py PICTURE ...

Needs onnxruntime, numpy and pillow; nothing of the program that made the model.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageOps

HERE = Path(__file__).parent
SEEN = json.loads((HERE / "config.json").read_text(encoding="utf-8"))["backbone"]
CLASSES = (HERE / "labels.txt").read_text(encoding="utf-8").splitlines()


def pixels(path: str) -> np.ndarray:
    """The picture as the model was trained to see it: uint8 (3, S, S)."""
    picture = ImageOps.exif_transpose(Image.open(path))
    if "A" in picture.getbands() or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
    picture = picture.convert("RGB")
    width, height = (min(side, 4 * min(picture.size)) for side in picture.size)
    left, top = (picture.width - width) // 2, (picture.height - height) // 2
    picture = picture.crop((left, top, left + width, top + height))
    short, size = round(SEEN["size"] / SEEN["crop"]), SEEN["size"]
    longer = (int(short * width / min(width, height)), int(short * height / min(width, height)))
    target = (short, short) if SEEN["squash"] else longer
    if target != picture.size:
        picture = picture.resize(target, Image.Resampling[SEEN["interpolation"].upper()])
    left, top = (round((side - size) / 2) for side in target)
    return np.asarray(picture.crop((left, top, left + size, top + size))).transpose(2, 0, 1)


session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
for name in sys.argv[1:]:
    (shares,) = session.run(["probabilities"], {"pixels": pixels(name)[None]})[0]
    best = sorted(zip(shares.tolist(), CLASSES, strict=True), reverse=True)
    print(name, *(f"{label} {share:.4f}" for share, label in best), sep="\t")
