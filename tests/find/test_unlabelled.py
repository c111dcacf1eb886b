"""Pictures without labels: they count nowhere, are judged and put in order, and get labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from curator import NO_LABEL
from curator.errors import BadClassName, InputError, NoRun, UnknownClass
from curator.find.unlabelled import expected_wrong, random_tenth, useful
from curator.project import Project
from curator.review.queue.filters import Filters
from tests.pictures import encoded, picture, write_folders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Make a project of two classes with 30 labelled pictures, trained, and 12 without a label."""
    with Project.create(tmp_path / "project", name="p") as made:
        made.import_files(write_folders(tmp_path / "in", {"cat": 15, "dog": 15}))
        loose = tmp_path / "loose"
        loose.mkdir()
        for number in range(12):
            (loose / f"{number}.png").write_bytes(encoded(picture(1000 + number)))
        made.import_files(loose, class_name=NO_LABEL)
        yield made


def waiting(project: Project) -> list[int]:
    """Give the ids of those without a label."""
    with project.database.read() as connection:
        rows = connection.execute(
            text("SELECT image_id FROM current WHERE state = 'unlabelled' ORDER BY image_id")
        )
        return [row[0] for row in rows]


@pytest.mark.slow
def test_they_count_nowhere_until_they_have_a_label(project: Project, tmp_path: Path) -> None:
    """Neither in classes nor in training, exports, versions or recipes; a decision brings them."""
    status = project.status()
    assert (status.images, status.unlabelled, sum(status.classes.values())) == (30, 12, 30)
    assert set(status.classes) == {"cat", "dog"}
    assert project.class_names() == ["cat", "dog"]
    assert status.station("review").count == 12
    assert "12 images have no label yet" in status.station("review").sentence
    project.train()
    assert project.status().unchecked == 0
    assert len(project.rank()) == 30
    assert project.export(tmp_path / "out").images == 30
    assert project.write_recipe(tmp_path / "recipe.jsonl").images == 30
    first, second, *rest = waiting(project)
    project.decide([first], "relabel", "cat")
    project.decide([second], "none")
    assert project.status().images == 31
    assert waiting(project) == rest
    project.undo(2)
    assert waiting(project) == [first, second, *rest]
    assert project.status().images == 30


@pytest.mark.slow
def test_what_has_no_label_cannot_keep_it(project: Project) -> None:
    """Keep and unsure are refused, also once it lies in the trash; no class may be called so."""
    first = waiting(project)[0]
    for action in ("keep", "unsure"):
        with pytest.raises(InputError, match="no label that could be kept"):
            project.decide([first], action)  # type: ignore[arg-type]
    project.decide([first], "delete")
    with pytest.raises(InputError, match="no label that could be kept"):
        project.decide([first], "keep")
    with pytest.raises(UnknownClass):
        project.decide([first], "relabel", NO_LABEL)
    with pytest.raises(BadClassName, match="without a label are called so"):
        project.add_class("No label yet")


@pytest.mark.slow
def test_the_model_puts_them_in_order_and_they_are_accepted(project: Project) -> None:
    """Surest, most useful, strangest: each holds all of them; accepting says what may be wrong."""
    for kind in ("surest", "strangest"):
        with pytest.raises(NoRun):
            project.queue(kind)
    project.check()
    assert sorted(project.queue("label next").ids.tolist()) == waiting(project)
    project.train()
    for kind in ("label next", "surest", "strangest"):
        queue = project.queue(kind)
        assert sorted(queue.ids.tolist()) == waiting(project)
        assert queue.scores is not None
        assert (np.diff(queue.scores) <= 0).all()
    table = project.queue("surest").table()
    assert table["predicted"].isin(["cat", "dog"]).all()
    assert (table["confidence"] == table["confidence of the class"].astype(float)).all()
    assert (table["label"] == NO_LABEL).all()
    cats = project.queue("surest", Filters(predicted="cat")).ids.tolist()
    assert cats == table[table["predicted"] == "cat"]["image_id"].tolist()
    best = table["image_id"].tolist()[:5]
    asked = project.accept(best, dry_run=True)
    assert asked.decided == ()
    assert asked.expected_wrong == pytest.approx(
        float((1 - table["confidence"][:5]).sum()), abs=0.01
    )
    assert asked.low <= asked.expected_wrong <= asked.high
    done = project.accept(best)
    assert sorted(done.decided) == sorted(best)
    assert len(done.audit) == 1
    assert set(done.audit) < set(best)
    sample = project.queue("audit", Filters(selection=project.select(done.audit)))
    assert sample.ids.tolist() == list(done.audit)
    now = project.queue("all").table().set_index("image_id")
    for row in table[:5].itertuples():
        # As if it had been listed so: nobody has looked, and a training may doubt it.
        assert (now.loc[row.image_id, "label"], now.loc[row.image_id, "state"]) == (
            row.predicted,
            "new",
        )
    project.train()
    assert set(best) <= set(project.queue("suspicious").ids.tolist())
    with pytest.raises(InputError, match="has a label"):
        project.accept(best)
    assert project.undo()[0].what == "labelled as the model says"
    assert project.status().unlabelled == 12


@pytest.mark.slow
def test_a_label_comes_later_by_another_source(project: Project, tmp_path: Path) -> None:
    """The same picture in a folder of a class gets that class, and undo takes it back."""
    again = tmp_path / "again" / "dog"
    again.mkdir(parents=True)
    (again / "a.png").write_bytes(encoded(picture(1003)))
    project.import_files(tmp_path / "again")
    assert (project.status().images, project.status().unlabelled) == (31, 11)
    assert project.status().classes == {"cat": 15, "dog": 16}
    assert not project.queue("two classes").ids.size
    project.undo()
    assert (project.status().images, project.status().unlabelled) == (30, 12)


@pytest.mark.slow
def test_an_import_of_them_is_one_step_of_undo(project: Project) -> None:
    """Taken back they are gone, done again they wait as before."""
    project.undo()
    assert (project.status().images, project.status().unlabelled) == (30, 0)
    project.redo()
    assert (project.status().images, project.status().unlabelled) == (30, 12)


def test_useful_is_doubtful_new_and_not_twice_the_same() -> None:
    """A second copy of what was just chosen waits, and so does what is like a labelled one."""
    rng = np.random.default_rng(0)
    units = rng.normal(size=(6, 16)).astype(np.float32)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    units[1] = units[0]  # a copy
    doubt = np.array([0.9, 0.9, 0.8, 0.8, 0.8, 0.01], np.float32)
    known = units[2:3]
    order = np.argsort(-useful(units, doubt, known), kind="stable").tolist()
    assert order[0] in {0, 3, 4}
    assert order.index(1) > order.index(3)
    assert order.index(1) > order.index(4)
    assert set(order[-3:]) == {1, 2, 5}
    assert useful(units[:0], doubt[:0], known).shape == (0,)


@pytest.mark.parametrize(
    ("confidences", "said"),
    [
        ([1.0] * 20, "likely none of them is wrong (0 to 0)"),
        ([0.9] * 10, "about 1 of them is likely wrong (0 to 3)"),
        ([0.5] * 100, "about 50 of them are likely wrong (40 to 60)"),
    ],
)
def test_what_is_likely_wrong_in_words(confidences: list[float], said: str) -> None:
    """The sum of the doubts, with the spread of as many throws of a coin."""
    assert expected_wrong(confidences).of("them") == said


@pytest.mark.slow
def test_a_tenth_is_drawn_by_chance_and_the_same_again(project: Project) -> None:
    """Rounded up, whatever the order; no image of none."""
    ids = list(range(1, 96))
    chosen = random_tenth(project, ids)
    assert len(chosen) == 10
    assert random_tenth(project, ids[::-1]) == chosen
    assert list(chosen) != ids[:10]
    assert random_tenth(project, []) == ()
