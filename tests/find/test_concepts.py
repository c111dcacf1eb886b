"""Concepts: what is looked for comes first, sharper with each answer, and is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import insert

from curator.errors import InputError, NotEnoughData, NothingToRedo, UnknownImage
from curator.find.prevalence import left, strata
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import open_queue
from curator.store import concepts, schema
from tests.review.made_up import Made

if TYPE_CHECKING:
    from curator.project import Project
    from tests.cli.conftest import Curator
    from tests.find.test_likeness import Build


def planted(count: int = 400, shown: int = 40) -> tuple[np.ndarray, set[int]]:
    """Give features of which the first ``shown`` are moved one way, and their ids."""
    features = np.random.default_rng(3).standard_normal((count, 24)).astype(np.float32)
    features[:shown, :3] += 1.6
    return features, set(range(1, shown + 1))


@pytest.mark.slow
def test_answers_sharpen_the_order_and_count(featured: Build, curator: Curator) -> None:
    """From five examples; after pages of answers the interval holds the truth, filters narrow."""
    features, truth = planted()
    project = featured([Made(given=1 + i % 2) for i in range(400)], features)
    told = project.add_concept("Drawings", [1, 2, 3, 4, 5])
    assert told.images is None
    asked = Filters(like="drawings")
    first = open_queue(project, "concept", asked).ids.tolist()
    assert not {1, 2, 3, 4, 5} & set(first)
    for _ in range(4):
        page = open_queue(project, "concept", asked).ids[:16].tolist()
        project.mark_concept("drawings", [key for key in page if key in truth], shows=True)
        project.mark_concept("drawings", [i for i in page if i not in truth], shows=False)
    told = project.concept("drawings")
    assert told.low is not None
    assert told.high is not None
    assert told.low <= 40 <= told.high
    later = open_queue(project, "concept", asked).ids.tolist()
    rest = [key for key in first if key in set(later)]
    assert sum(rest.index(key) for key in truth & set(later)) >= sum(
        later.index(key) for key in truth & set(later)
    )
    narrowed = open_queue(project, "all", Filters(concept="drawings")).ids.tolist()
    assert len(truth & set(narrowed)) >= 0.7 * len(narrowed)
    listed = curator("concept", "list", project.path, "--json").json
    assert listed == [project.concepts()[0].to_dict()]
    rows = curator("concept", "show", project.path, "Drawings", "--top", 3, "--json").json
    assert [row["image_id"] for row in rows] == later[:3]
    curator("concept", "remove", project.path, "drawings")
    assert project.concepts() == []
    assert curator("concept", "yes", project.path, "drawings", 9).status == 2
    assert project.add_concept("drawings", [1]).yes == told.yes


def test_answers_are_taken_back_and_given_again(featured: Build, curator: Curator) -> None:
    """Each answer is an act among the others: undo restores what was said before, redo the act."""
    project = featured([Made() for _ in range(12)], planted(12, 4)[0])
    project.add_concept("drawings", [1, 2], [9])

    def said() -> tuple[list[int], list[int], list[int]]:
        with project.database.read() as connection:
            marks = concepts.marks(connection, "drawings")
        return sorted(marks.yes), sorted(marks.no), sorted(marks.picked)

    assert said() == ([1, 2], [9], [1, 2, 9])
    assert project.mark_concept("drawings", [3, 1], shows=True).what == "1 answer about drawings"
    assert not project.mark_concept("drawings", [3], shows=True).batch
    project.mark_concept("drawings", [2, 4], shows=False)
    project.decide([5], "delete")
    assert said() == ([1, 3], [2, 4, 9], [1, 9])
    done = [one.what for one in project.undo(3)]
    assert done == ["deleted", "2 answers about drawings", "1 answer about drawings"]
    assert said() == ([1, 2], [9], [1, 2, 9])
    assert [one.what for one in project.redo(2)] == done[:0:-1]
    assert said() == ([1, 3], [2, 4, 9], [1, 9])
    assert "2 answers about drawings" in curator("undo", project.path).out
    assert said() == ([1, 2, 3], [9], [1, 2, 9])
    made = "looked for drawings and 3 answers about drawings"
    assert project.undo(2)[1].what == made
    assert project.concept_names() == []
    assert project.redo(1)[0].what == made
    assert said() == ([1, 2], [9], [1, 2, 9])
    project.mark_concept("drawings", [3], shows=False)
    with pytest.raises(NothingToRedo):
        project.redo()


def test_a_concept_gets_another_name(featured: Build, curator: Curator) -> None:
    """Its answers go along; a name that is another's, or was, is refused."""
    project = featured([Made() for _ in range(6)], planted(6, 2)[0])
    project.add_concept("drawings", [1, 2], [6])
    project.add_concept("people", [3])
    project.add_concept("marks", [3])
    project.remove_concept("marks")
    told = curator("concept", "rename", project.path, "Drawings", "  Line   art", "--json").json
    assert (told["name"], told["yes"], told["no"]) == ("Line art", 2, 1)
    project.rename_concept("line art", "line art")
    assert project.concept_names() == ["line art", "people"]
    for taken, why in (("PEOPLE", "is there already"), ("marks", "was removed")):
        with pytest.raises(InputError, match=why):
            project.rename_concept("line art", taken)
    with pytest.raises(InputError, match="There is no concept 'drawings'"):
        project.rename_concept("drawings", "sketches")


def test_names_and_removal_are_steps(featured: Build, curator: Curator) -> None:
    """A new name, a removal and looking for it again are taken back in their order, by all."""
    project = featured([Made() for _ in range(6)], planted(6, 2)[0])
    project.add_concept("drawings", [1, 2])
    assert project.rename_concept("drawings", "sketches").batch
    project.decide([5], "delete")
    said = curator("concept", "remove", project.path, "sketches").out
    assert "curator undo" in said
    assert "removed the concept sketches" in curator("undo", project.path).out
    assert project.concept("sketches").yes == 2
    done = [one.what for one in project.undo(2)]
    assert done == ["deleted", "renamed the concept drawings to sketches"]
    assert project.concept_names() == ["drawings"]
    assert "renamed the concept drawings" in curator("redo", project.path).out
    assert project.concept_names() == ["sketches"]
    project.add_concept("drawings", [3])  # the old name, for another
    assert [one.what for one in project.undo(2)][1] == done[1]
    assert project.concept_names() == ["drawings"]
    assert project.concept("drawings").yes == 2
    project.redo(2)
    assert project.concept_names() == ["sketches", "drawings"]
    assert project.concept("drawings").yes == 1
    assert project.undo()[0].what == "looked for drawings and 1 answer about drawings"
    with project.database.write() as connection:  # as it was before making one was a step
        connection.execute(
            insert(schema.concepts), {"name": "drawings", "at": "", "by": "", "retired": 0}
        )
    told = project.undo()[0].what
    assert told.endswith("it is called drawings 2 now, since drawings is another")
    assert project.concept_names() == ["drawings 2", "drawings"]
    project.remove_concept("drawings 2")
    assert project.add_concept("drawings 2", []).yes == 2
    assert project.undo()[0].what == "looked for drawings 2 again"
    assert project.concept_names() == ["drawings"]


def test_what_cannot_be_looked_for(featured: Build, small: Project) -> None:
    """No name, no such image or concept, no example that shows it, no features."""
    project = featured([Made() for _ in range(4)], planted(4, 2)[0])
    with pytest.raises(InputError, match="cannot be a name"):
        project.add_concept("  ", [1])
    with pytest.raises(UnknownImage, match="9"):
        project.add_concept("drawings", [9])
    assert project.concepts() == []
    with pytest.raises(InputError, match="There is none yet"):
        project.mark_concept("drawings", [1], shows=True)
    project.add_concept("drawings", [], [1])
    with pytest.raises(InputError, match="No image is marked"):
        open_queue(project, "concept", Filters(like="drawings"))
    small.add_concept("drawings", [1])
    with pytest.raises(NotEnoughData, match="curator check"):
        open_queue(small, "concept", Filters(like="drawings"))


def test_counts_follow_what_was_looked_at() -> None:
    """All looked at: nothing is left; nothing looked at: from none to all; the top tells most."""
    ends = strata(400)
    sizes = np.diff(ends, prepend=0)
    assert ends.tolist() == [16, 48, 112, 240, 400]
    none = np.zeros_like(sizes)
    assert left(none, sizes, none)[0].high == 0
    blind, _ = left(sizes, none, none)
    assert blind.low <= 2
    assert blind.high >= 100
    top, shares = left(
        sizes - np.array([16, 32, 0, 0, 0]), np.array([15, 2, 0, 0, 0]), np.array([1, 30, 0, 0, 0])
    )
    assert top.high < 0.2 * 400
    assert np.all(np.diff(shares) <= 0)
