"""The model card: what an exported model is, what it was trained on, and how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.deliver.received import CONFIG_FILE, INT8_FILE, ONNX_FILE, WEIGHTS_FILE
from curator.learn.recipes import recipe_named
from curator.learn.strangers.gate import REFUSED
from curator.phrasing import many

if TYPE_CHECKING:
    from curator.store.run_json import Metrics


def card(name: str, config: dict[str, Any]) -> str:
    """Markdown with Hugging Face's front matter, from a bundle's ``config``."""
    metrics = config["metrics"]
    backbone = config["backbone"]
    rows = "\n".join(
        f"| {row['label']} | {row['support']} | {_share(row['precision'])} | "
        f"{_share(row['recall'])} | {_share(row['f1'])} |"
        for row in metrics["per_class"]
    )
    baselines = metrics["baselines"]
    body = recipe_named(config["recipe"]).backbone_is
    further = _elsewhere_row(metrics) + _test_row(metrics)
    judged = (
        "On the validation images" if metrics.get("judged_on") == "validation" else "Out-of-fold"
    )
    return f"""---
license: other
pipeline_tag: image-classification
library_name: curator
---

# {name}

Tells {len(config["classes"])} classes apart: {", ".join(config["classes"])}. Its probabilities
always name one of them, also for a picture that shows none.

## None of these

{_none_of_these(config)}

## How good it is

| measured on | error | 95 % interval | images |
|---|---|---|---|
{_error_row("validation images, never trained on", metrics["valid"])}
{_error_row("out-of-fold, all images", metrics["out_of_fold"])}{further}

{_looks(config)}

Baselines on the validation images: always the most frequent class {_share(baselines["majority"])}
wrong; nearest mean image {_share(baselines["nearest_mean_image"])} wrong.

{judged}, for each class:

| class | images | precision | recall | F1 |
|---|---|---|---|---|
{rows}

{_from_elsewhere(metrics)}

## How it works

`{ONNX_FILE}` takes pixels, uint8 (N, 3, {backbone["size"]}, {backbone["size"]}) of 0..255, and
answers with calibrated `probabilities` (N, {len(config["classes"])}) and `features`
(N, {backbone["dimension"]}); normalisation, {"mirror averaging, " if config["mirror"] else ""}head
and temperature are inside. `{WEIGHTS_FILE}` holds a {body} {backbone["architecture"]}
({backbone["dimension"]} features) and a linear head,
trained in run {config["run"]} on {config["trained_at"][:10]}. Preprocessing: RGB,
short side to {round(backbone["size"] / backbone["crop"])} px ({backbone["interpolation"]}), centre
crop {backbone["size"]} px, mean {backbone["mean"]}, deviation {backbone["std"]}. All of it,
with the classes in order, is in `{CONFIG_FILE}`.

| file | bytes |
|---|---|
{_file_rows(config["files"])}

{_int8(config["int8"])}

## How to use it

With onnxruntime, numpy and pillow alone, `example.py` shows every step:

    python example.py picture.jpg

or, with the program that made it:

    curator predict THIS_FOLDER picture.jpg

The weights of the backbone were trained on ImageNet. The training pictures belong to their owners.
"""


def _none_of_these(config: dict[str, Any]) -> str:
    promise = config.get("none_of_these")
    if promise is None:
        return (
            "This model refuses no picture: its backbone was fine-tuned, or it learnt from too few "
            "images to set a threshold on."
        )
    return f"""{promise} No stranger was needed for it, and
how many strangers it refuses depends on how near they are. {REFUSED}"""


def _file_rows(files: dict[str, int]) -> str:
    return "\n".join(f"| `{name}` | {size:,} |" for name, size in files.items())


def _int8(found: dict[str, Any] | None) -> str:
    """How the model in 8 bits compares."""
    if found is None:
        return "No model in 8 bits was tried."
    agreement = (
        f"names the same class for {found['same_answer']:.1%} of {found['images']} validation "
        f"images; a probability differs by {found['mean_difference']:.4f} on average and by "
        f"{found['largest_difference']:.3f} at the most"
    )
    if not found["kept"]:
        return f"A model in 8 bits was tried and left out: it {agreement}."
    return (
        f"`{INT8_FILE}` ({found['method']} quantisation) {agreement}. On the processor of the "
        f"export it answers {found['images_per_second']:.0f} images a second, `{ONNX_FILE}` "
        f"{found['images_per_second_float32']:.0f}."
    )


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _elsewhere_row(metrics: Metrics) -> str:
    far = metrics.get("elsewhere")
    if far is None:
        return ""
    ends = f"{far['low']:.1%} to {far['high']:.1%}"
    return (
        f"\n| sites that it had not seen ({far['sites']}) | {far['error']:.1%} | {ends} | "
        f"{far['images']} |"
    )


def _from_elsewhere(metrics: Metrics) -> str:
    said = (
        "Validation images come from the same searches as the training images: expect more errors "
        "on\npictures from elsewhere."
    )
    far = metrics.get("elsewhere")
    if far is None:
        return said
    return (
        f"{said} Each of {far['images']} images judged by heads that learnt from no\nimage of its "
        f"site: {far['error']:.1%} wrong, where folds by chance give {far['usual']:.1%}."
    )


def _test_row(metrics: dict[str, Any]) -> str:
    if "test" not in metrics:
        return ""
    return "\n" + _error_row("test images, nothing was chosen by them", metrics["test"])


def _looks(config: dict[str, Any]) -> str:
    """How often anybody looked at the test images."""
    looks = config.get("test_set_looks")
    if not looks:
        return "It was not judged on test images."
    said = f"It was judged on the test set {many(looks['run'], 'time')}"
    if looks["all"] > looks["run"]:
        said += f", and its project's runs {many(looks['all'], 'time')} in all"
    return said + ": the fewer, the less it can have been chosen by them."


def _error_row(what: str, error: dict[str, Any]) -> str:
    interval = f"{_share(error['low'])} to {_share(error['high'])}"
    return f"| {what} | {_share(error['error'])} | {interval} | {error['images']} |"
