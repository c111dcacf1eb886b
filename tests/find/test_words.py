"""By words: the order is open_clip's own, and what is needed is told before it is fetched."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.encode.backbones import clip
from curator.encode.preprocess import prepare_image
from curator.encode.project_features import feature_cache
from curator.encode.weights import weights_folder
from curator.errors import (
    InputError,
    JobCancelled,
    NotEnoughData,
    PackageMissing,
    WeightsAltered,
    WeightsMissing,
)
from curator.find import words
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import counts, open_queue
from curator.store import images, jobs
from tests.pictures import write_folders
from tests.small_clip import SmallClip, clip_graphs, small_clip

if TYPE_CHECKING:
    from pathlib import Path

    from curator.jobs.progress import Progress
    from curator.project import Project
    from tests.cli.conftest import Curator

__all__ = ["clip_graphs", "small_clip"]
pytestmark = pytest.mark.slow  # loads networks
TEXT = "a drawing of a bear"


def expected(project: Project, small: SmallClip, text: str) -> dict[int, float]:
    """The cosines by open_clip alone: its transforms, tokeniser, network and file reading."""
    import open_clip
    import torch

    chosen = open_clip.transform.PreprocessCfg(
        size=small.backbone.size,
        mean=open_clip.OPENAI_DATASET_MEAN,
        std=open_clip.OPENAI_DATASET_STD,
        interpolation="bicubic",
        resize_mode="shortest",
    )
    transform = open_clip.transform.image_transform_v2(chosen, is_train=False)
    with project.database.read() as connection:
        table = images.live(connection)
    with torch.inference_mode():
        files = [project.originals / file for file in table["file"]]
        seen = torch.stack([transform(Image.open(file)) for file in files])
        pictures = small.network.encode_image(seen, normalize=True)
        asked = small.network.encode_text(open_clip.tokenize([text]), normalize=True)[0]
    return dict(zip(table["image_id"].tolist(), (pictures @ asked).tolist(), strict=True))


def test_the_order_is_open_clips(small: Project, small_clip: SmallClip) -> None:
    """Scores are those of the library's own code; filters narrow, the deleted are left out."""
    queue = small.find(f"  {TEXT}\n")
    cosines = expected(small, small_clip, TEXT)
    assert queue.scores is not None
    assert sorted(queue.ids.tolist()) == sorted(cosines)
    np.testing.assert_allclose(queue.scores, [cosines[i] for i in queue.ids.tolist()], atol=1e-4)
    assert np.ptp(queue.scores) > 1e-3
    assert np.all(np.diff(queue.scores) <= 0)
    first = int(queue.ids[0])
    small.decide([first], "delete")
    assert small.find(TEXT).ids.tolist() == queue.ids.tolist()[1:]
    cats = small.find(TEXT, filters=Filters(label="cat"))
    assert len(cats) == 12 - (first <= 12)
    assert counts(small, ["words"], Filters(like=TEXT)) == {"words": 29}
    assert list(cats.table(3).columns[:2]) == ["image_id", "likeness"]
    assert small.find("two owls").ids.tolist() != small.find(TEXT).ids.tolist()


def test_what_is_known_needs_nothing_more(small: Project, small_clip: SmallClip) -> None:
    """The network is fetched once; later words fetch nothing, known ones run no job at all."""
    assert small.find_needs().megabytes == round(small_clip.backbone.source.size / 1e6)
    assert small.find_needs().images == 30
    small.find(TEXT)
    needs = small.find_needs()
    assert (needs.package, needs.megabytes, needs.images, needs.sentence) == (False, 0, 0, "")
    small.find("two owls")
    assert len(small_clip.server.sent) == 1
    for file in weights_folder().iterdir():
        file.unlink()
    before = jobs.latest(small.database)
    assert len(small.find("two  owls")) == 30
    assert jobs.latest(small.database) == before


def test_images_that_come_are_seen_at_the_next_search(
    small: Project, small_clip: SmallClip, tmp_path: Path
) -> None:
    """Their features are computed then, and only theirs; before, they are left out."""
    small.find(TEXT)
    small.import_files(write_folders(tmp_path / "more", {"cat": 3}, start=50))
    assert len(open_queue(small, "words", Filters(like=TEXT))) == 30
    assert small.find_needs().sentence == "It has yet to look at 3 images."
    steps: list[tuple[str, int | None]] = []

    def listen(progress: Progress) -> None:
        steps.append((progress.message, progress.total))

    assert len(small.find(TEXT, listener=listen)) == 33
    assert {total for message, total in steps if "features" in message} == {3}


def test_a_download_that_breaks_off_goes_on(small: Project, small_clip: SmallClip) -> None:
    """From the byte where it stopped, whether the line broke or somebody cancelled."""
    small_clip.server.behaviour = "breaks off once"
    assert len(small.find(TEXT)) == 30
    (_, first), (_, second) = small_clip.server.sent
    assert first == 0
    assert second > 0


def test_what_lacks_is_named(
    small: Project, small_clip: SmallClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No library, no network, another file, no text: each is an error that says what to do."""
    for text in ("", " \n", "a\x00b", "x" * 201):
        with pytest.raises(InputError, match="cannot be looked for"):
            small.find(text)
    with pytest.raises(NotEnoughData, match="not looked for yet"):
        open_queue(small, "words", Filters(like=TEXT))
    assert len(open_queue(small, "words")) == 0
    with monkeypatch.context() as patch:
        patch.setattr("importlib.util.find_spec", lambda _name: None)
        with pytest.raises(PackageMissing, match=r"pip install 'image-curator\[text\]'"):
            small.find(TEXT)
        assert "pip install" in small.find_needs().sentence
    small_clip.server.behaviour = "404"
    with pytest.raises(WeightsMissing, match="put it into") as missing:
        small.find(TEXT)
    assert "efficientnet" not in str(missing.value)
    small_clip.server.behaviour = "honest"
    small_clip.server.files["/tiny.safetensors"] = b"another file"
    with pytest.raises(WeightsAltered, match="not " + small_clip.backbone.source.sha256):
        small.find(TEXT)


def test_what_the_network_does_not_read(small: Project, small_clip: SmallClip) -> None:
    """More than it reads is refused before any image is looked at; so is what is no word."""
    with pytest.raises(InputError, match="reads 75 pieces of words, not 100"):
        small.find("x " * 100)
    assert small.find_needs().images == 30


def test_weights_of_another_network_are_refused(
    small: Project, small_clip: SmallClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file with the right hash that does not fit is a named error."""
    other = replace(small_clip.backbone, architecture="ViT-B-32")
    monkeypatch.setattr(clip, "words_network", lambda: other)
    with pytest.raises(WeightsAltered, match="does not fit ViT-B-32 of open_clip"):
        small.find(TEXT)


def test_a_search_is_cancelled(small: Project, small_clip: SmallClip) -> None:
    """What was computed stays, and the next search goes on."""

    def cancel(progress: Progress) -> None:
        if "features" in progress.message:
            raise JobCancelled("Stopped.")

    with pytest.raises(JobCancelled):
        small.find(TEXT, listener=cancel)
    assert not words.words_cache(small).missing([words.digest_of(TEXT)])
    assert len(small.find(TEXT)) == 30


def test_the_description_is_open_clips() -> None:
    """Address, pixels and size of the real network are what the library says of it."""
    import open_clip

    real = clip.words_network()
    said = open_clip.get_pretrained_cfg(real.architecture, "laion2b_s34b_b79k")
    assert real.source is not None
    assert f"/{said['hf_hub']}resolve/" in real.source.address
    assert (real.mean, real.std) == (said["mean"], said["std"])
    assert (real.interpolation, said["resize_mode"]) == ("bicubic", "shortest")
    config = open_clip.get_model_config(real.architecture)
    assert real.size == config["vision_cfg"]["image_size"]
    assert real.dimension == config["embed_dim"]
    image = Image.fromarray(
        np.random.default_rng(0).integers(0, 256, (301, 450, 3), dtype=np.uint8)
    )
    seen = open_clip.transform.PreprocessCfg(
        size=real.size, mean=real.mean, std=real.std, interpolation="bicubic"
    )
    theirs = open_clip.transform.image_transform_v2(seen, is_train=False)(image).numpy()
    ours = prepare_image(image, real).astype(np.float32) / 255
    shape = (3, 1, 1)
    ours = (ours - np.reshape(real.mean, shape)) / np.reshape(real.std, shape)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_the_command(small: Project, small_clip: SmallClip, curator: Curator) -> None:
    """It tells what is fetched and its licence first, then lists; an empty project is named."""
    said = curator("find", small.path, TEXT, "--top", 3)
    assert said.status == 0
    assert "licence MIT" in said.err
    assert "not yet with its real weights" in said.err
    assert "The first 3 of 30 images." in said.out
    again = curator("find", small.path, TEXT, "--class", "owl", "--json")
    assert "licence" not in again.err
    assert len(again.json) == 8
    assert again.json[0]["likeness"] >= again.json[1]["likeness"]
    assert feature_cache(small, small_clip.backbone).dimension == 24
