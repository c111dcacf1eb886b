"""Drawings, charts and screens among photographs are a finding; of themselves they are none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images
from sqlalchemy import update

from curator.check.findings import findings
from curator.check.report import report
from curator.project import Project
from curator.review.queue.filters import Filters
from curator.store import flags, schema

if TYPE_CHECKING:
    from pathlib import Path

CODE = flags.NO_PHOTOGRAPH


def bars(number: int) -> Image.Image:
    """Draw a chart of coloured bars with its axes."""
    image = Image.new("RGB", (400, 300), "white")
    pen, random = ImageDraw.Draw(image), np.random.default_rng(number)
    for place, share in enumerate(random.random(8)):
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        pen.rectangle((40 + 44 * place, 270 - 240 * share, 74 + 44 * place, 270), fill=colour)
    pen.line((30, 20, 30, 270, 390, 270), fill="black", width=2)
    return image


def write(folder: Path, photographs: int, charts: int) -> Path:
    """Write parts of two photographs as two classes, and charts among the first."""
    random = np.random.default_rng(5)
    for name, pixels in zip(("place", "plant"), load_sample_images().images, strict=True):
        (folder / name).mkdir(parents=True)
        whole = Image.fromarray(pixels)
        for number in range(photographs):
            left, top = (int(value) for value in random.integers(0, 180, 2))
            whole.crop((left, top, left + 420, top + 240)).save(folder / name / f"{number}.jpg")
    for number in range(charts):
        bars(number).save(folder / "place" / f"chart{number}.png")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Make a project of 16 photographs with four charts among them, checked."""
    made = Project.create(tmp_path / "project", name="p")
    made.import_files(write(tmp_path / "in", 8, 4))
    made.check()
    return made


def found(project: Project) -> list[int]:
    """Give the images of the finding."""
    with project.database.read() as connection:
        return [i for item in findings(connection) if item.code == CODE for i in item.images]


@pytest.mark.slow
def test_charts_among_photographs_are_found(project: Project) -> None:
    """They alone, as a queue; what is dismissed or deleted is no longer among them."""
    table = project.queue("all").table()
    charts = set(table[table["source"].str.contains("chart")]["image_id"])
    assert set(found(project)) == charts
    queue = project.queue("all", Filters(finding=CODE))
    assert set(queue.ids.tolist()) == charts
    (problem,) = (item for item in report(project).problems if item.code == CODE)
    assert problem.problem.startswith("4 images look drawn")
    one, two, *rest = found(project)
    project.decide([one], "delete")
    project.dismiss(CODE, [two])
    assert found(project) == rest
    project.undo()
    assert found(project) == [two, *rest]


@pytest.mark.slow
def test_where_most_are_none_nothing_is_said(tmp_path: Path) -> None:
    """A collection of charts is no finding."""
    made = Project.create(tmp_path / "project", name="p")
    made.import_files(write(tmp_path / "in", 2, 12))
    made.check()
    assert found(made) == []


@pytest.mark.slow
@pytest.mark.parametrize("text", ["{", "[true]", '["1"]', "[-1]", "{}", "[" * 5000])
def test_what_is_of_another_form_counts_as_nothing(project: Project, text: str) -> None:
    """As in a project that came from anyone."""
    with project.database.write() as connection:
        table = schema.meta
        connection.execute(update(table).where(table.c.key == CODE).values(value=text))
    assert found(project) == []
