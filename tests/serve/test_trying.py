"""Trying a picture: the run's own answer, evidence, and what is refused."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from curator.errors import DataError, InputError, NoRun
from curator.serve.trying import Trial, content_of
from curator.store import runs
from curator.store.predictions import predictions_of

if TYPE_CHECKING:
    from pathlib import Path

    from curator.project import Project


def stored(project: Project, split: str) -> tuple[int, bytes, str]:
    """Give an image of one side of the split: id, file, SHA-256."""
    from curator.store import images

    with project.database.read() as connection:
        table = images.live(connection)
    row = table[table["split"] == split].iloc[0]
    return int(row["image_id"]), project.original(row["file"]).read_bytes(), str(row["sha256"])


@pytest.mark.slow
def test_an_answer_is_the_runs_own_with_evidence(sample: Project) -> None:
    """A validation image is answered as the run did; a training image finds itself first."""
    image_id, content, _ = stored(sample, "valid")
    with sample.database.read() as connection:
        run = runs.to_export(connection)
        said = predictions_of(connection, run)
    expected = said.fixed[said.image_ids.tolist().index(image_id)]
    own, training, _ = stored(sample, "train")
    with Trial(sample) as trial:
        tried = trial.ask(content)
        again = trial.ask(training)
    assert dict(tried.predictions)[tried.predictions[0][0]] == pytest.approx(
        expected.max(), abs=1e-3
    )
    assert sum(share for _, share in tried.predictions) == pytest.approx(1, abs=1e-5)
    assert tried.image_id == image_id
    assert image_id not in [item.image_id for item in tried.nearest]  # not a training image
    assert (again.nearest[0].image_id, again.image_id) == (own, own)
    assert again.nearest[0].similarity == pytest.approx(1, abs=1e-3)
    similarities = [item.similarity for item in again.nearest]
    assert similarities == sorted(similarities, reverse=True)
    with Image.open(io.BytesIO(tried.picture)) as seen:
        assert (seen.format, seen.size[0]) == ("PNG", seen.size[1])
    assert "picture" not in tried.to_dict()


def test_what_is_no_picture_says_so(sample: Project, small: Project, tmp_path: Path) -> None:
    """A text, a private address, no file, no model: each with its next step; others go on."""
    buffer = io.BytesIO()
    Image.fromarray(np.full((40, 60, 3), 200, np.uint8)).save(buffer, "PNG")
    with Trial(sample) as trial:
        with pytest.raises(DataError, match="no picture"):
            trial.ask(b"hello, world")
        tried = trial.ask(buffer.getvalue())
        assert (tried.image_id, tried.none_of_these) == (None, True)
        assert tried.sentence.startswith("none of these, nearest: ")
    with pytest.raises(DataError, match="not on the public internet"):
        content_of("http://127.0.0.1/a.jpg")
    with pytest.raises(InputError, match="no file"):
        content_of(tmp_path / "a.jpg")
    with pytest.raises(NoRun):
        Trial(small)
