"""The whole ledger against a simple model: any sequence of decisions, undo, redo, class changes.

The model holds a list of acts with a pointer: acts before it are in force, those behind it can be
redone. Labels and states are what replaying the acts in force over the given classes gives.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from curator.deliver.folder import plan
from curator.errors import BadClassName, InputError, NothingToRedo, NothingToUndo, UnknownImage
from curator.project import Project
from curator.store import class_changes, ledger, ledger_log, schema
from curator.store.arrivals import Arrivals
from curator.store.classes import add_classes, merged_ids
from curator.store.vocabulary import STATE_AFTER
from tests.conftest import copy_project, kept_in_files
from tests.store.made_up import add_images, derived_current, kept_current, ledger_rows

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from curator.store.vocabulary import Action

pytestmark = pytest.mark.on_server_too

AT_FIRST = {1: "cat", 2: "dog", 3: "owl"}
NAMES = ["cat", "DOG", "owl", "bee", "ant"]
IMAGES = 6  # at the beginning; more come


@dataclass
class Act:
    """One act: decisions (image -> action and class), or a change of a class."""

    choices: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    kind: str = ""  # of a class act
    class_id: int = 0
    into: int = 0
    name_before: str = ""
    name_undone: str = ""  # what the class was called when the act was last undone
    moved: set[int] = field(default_factory=set)  # images that a merge moved
    brought: set[int] = field(default_factory=set)  # images of an import

    @property
    def images(self) -> set[int]:
        """The images that undo and redo of it touch."""
        return self.moved | self.brought | set(self.choices)


class Model:
    """What the store should say."""

    def __init__(self) -> None:
        self.given: dict[int, int] = {}  # class of each image when it came
        self.imported: set[int] = set()  # images that an act brought
        self.acts: list[Act] = []
        self.pointer = 0
        self.names = dict(AT_FIRST)  # of the classes that are not retired
        self.rows: dict[int, int] = {}  # how many ledger rows each image has

    def states(self) -> dict[int, tuple[int, str]]:
        """Class and state of each image: the acts in force, replayed."""
        found = {
            image: (given, schema.WITHDRAWN if image in self.imported else schema.NEW)
            for image, given in self.given.items()
        }
        for act in self.acts[: self.pointer]:
            for image in act.brought:
                found[image] = (found[image][0], schema.NEW)
            for image, (action, class_id) in act.choices.items():
                found[image] = (class_id or found[image][0], STATE_AFTER[action])
            if act.kind == "merge":
                for image, (label, state) in found.items():
                    if label == act.class_id:
                        found[image] = (act.into, state)
        return found

    def merges(self) -> dict[int, Act]:
        """The merges in force, by the class that is gone."""
        return {act.class_id: act for act in self.acts[: self.pointer] if act.kind == "merge"}

    def do(self, act: Act) -> None:
        """Take a new act in: what could be redone is over."""
        self.acts[self.pointer :] = [act]
        self.pointer += 1
        self.touch(act)

    def touch(self, act: Act) -> None:
        """Count the rows that an act, its undo or its redo appends."""
        for image in act.images:
            self.rows[image] += 1

    def free(self, name: str) -> str:
        """The name, or with a number where another class has it."""
        taken = {each.casefold() for each in self.names.values()}
        wished, number = name, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wished} {number}"
        return name

    def undo(self) -> set[int]:
        """Take the newest act back; give its images."""
        self.pointer -= 1
        act = self.acts[self.pointer]
        self.touch(act)
        if act.kind:
            act.name_undone = self.names.get(act.class_id, "")
        if act.kind == "import":
            later = {self.given[image] for image in self.given.keys() - self.imported}
            if act.class_id and act.class_id not in later:
                del self.names[act.class_id]
        elif act.kind == "new class":
            if act.class_id not in self.given.values():
                del self.names[act.class_id]
        elif act.kind:
            self.names.pop(act.class_id, None)
            self.names[act.class_id] = self.free(act.name_before)
        return act.images

    def redo(self) -> set[int]:
        """Do the act at the pointer again; give its images."""
        act = self.acts[self.pointer]
        images = set(act.images)
        self.touch(act)
        if act.kind == "merge":
            # Images that came since belong to the merge from now on.
            late = {i for i, (label, _) in self.states().items() if label == act.class_id}
            for image in late - act.moved:
                self.rows[image] += 1
            act.moved |= late
            del self.names[act.class_id]
        elif act.class_id:
            self.names.pop(act.class_id, None)
            self.names[act.class_id] = self.free(act.name_undone)
        self.pointer += 1
        return images

    def arrive(self, image: int, class_id: int) -> None:
        """Take an image in, under what its class became."""
        self.given[image] = class_id
        self.rows[image] = 0
        merges = self.merges()
        while class_id in merges:
            merges[class_id].moved.add(image)
            self.rows[image] += 1
            class_id = merges[class_id].into


numbers = st.integers(0, 99)
several = st.lists(numbers, min_size=1, max_size=4)
actions = st.sampled_from(["keep", "delete", "unsure", "several", "none", "relabel", "relabel"])


class Review(RuleBasedStateMachine):
    """A project in which anything is done, beside its model."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        copy_project(template, folder)
        self.project = Project.open(folder)
        self.model = Model()
        self.model.given = {image: 1 + image % 3 for image in range(1, IMAGES + 1)}
        self.model.rows = dict.fromkeys(self.model.given, 0)
        self.view: dict[int, int | None] = {}  # last decisions, as a page once showed them
        self.view_rows: dict[int, int] = {}
        self.ledger: list[Any] = []

    def teardown(self) -> None:
        """Leave nothing behind for the next example."""
        self.project.close()
        shutil.rmtree(self.folder)

    def image(self, number: int) -> int:
        """Give one of the images."""
        return 1 + number % len(self.model.given)

    def label(self, number: int) -> int:
        """Give one of the classes that are there."""
        return sorted(self.model.names)[number % len(self.model.names)]

    def is_refused(self, images: Collection[int]) -> bool:
        """Whether the import of one of them was undone."""
        states = self.model.states()
        return any(states[image][1] == schema.WITHDRAWN for image in images)

    def decide_in_model(
        self, wanted: dict[int, tuple[Action, int | None]], view: dict[int, int] | None = None
    ) -> tuple[set[int], set[int]]:
        """Decide in the model alone; give the images changed and the conflicts."""
        states = self.model.states()
        conflicts = {i for i in wanted if view and self.model.rows[i] != view.get(i, 0)}
        changed = {
            i: (action, class_id)
            for i, (action, class_id) in wanted.items()
            if i not in conflicts and (class_id or states[i][0], STATE_AFTER[action]) != states[i]
        }
        if changed:
            self.model.do(Act(choices=dict(changed)))
        return set(changed), conflicts

    @rule(images=several, action=actions, number=numbers)
    def decide(self, images: list[int], action: Action, number: int) -> None:
        """Decide on a selection."""
        ids = [self.image(i) for i in images]
        class_id = self.label(number) if action == "relabel" else None
        if self.is_refused(ids):
            with pytest.raises(UnknownImage):
                ledger.decide(self.project.database, ids, action, class_id, by="ada")
            return
        decided = ledger.decide(self.project.database, ids, action, class_id, by="ada")
        changed, _ = self.decide_in_model(dict.fromkeys(ids, (action, class_id)))
        assert (set(decided.image_ids), decided.conflicts) == (changed, ())
        assert bool(decided.batch) == bool(changed) == bool(decided.what)

    @rule(wanted=st.dictionaries(numbers, st.tuples(actions, numbers), min_size=1, max_size=4))
    def decide_each(self, wanted: dict[int, tuple[Action, int]]) -> None:
        """Decide differently on each of some images."""
        each = {
            self.image(i): (action, self.label(number) if action == "relabel" else None)
            for i, (action, number) in wanted.items()
        }
        choices = [ledger.Choice(i, *choice) for i, choice in each.items()]
        if self.is_refused(each):
            with pytest.raises(UnknownImage):
                ledger.decide_each(self.project.database, choices, by="ada")
            return
        decided = ledger.decide_each(self.project.database, choices, by="ada")
        assert set(decided.image_ids) == self.decide_in_model(each)[0]

    @rule()
    def look(self) -> None:
        """Load a page: from now on it knows these decisions."""
        self.view = {int(row[0]): row[3] for row in kept_current(self.project.database)}  # type: ignore[call-overload, misc]
        self.view_rows = dict(self.model.rows)

    @precondition(lambda self: self.view)
    @rule(images=several, action=actions, number=numbers)
    def decide_on_an_old_page(self, images: list[int], action: Action, number: int) -> None:
        """Decide by what a page once showed; what others decided since is left alone."""
        ids = [i for i in map(self.image, images) if i in self.view]
        class_id = self.label(number) if action == "relabel" else None
        states, rows = self.model.states(), self.model.rows
        if any(states[i][1] == schema.WITHDRAWN and rows[i] == self.view_rows[i] for i in ids):
            with pytest.raises(UnknownImage):
                ledger.decide(self.project.database, ids, action, class_id, by="bo", seen=self.view)
            return
        decided = ledger.decide(
            self.project.database, ids, action, class_id, by="bo", seen=self.view
        )
        changed, conflicts = self.decide_in_model(
            dict.fromkeys(ids, (action, class_id)), self.view_rows
        )
        assert (set(decided.image_ids), set(decided.conflicts)) == (changed, conflicts)

    @rule(steps=st.integers(1, 4))
    def undo(self, steps: int) -> None:
        """Take acts back, to the beginning of the project if need be."""
        if not self.model.pointer:
            with pytest.raises(NothingToUndo):
                self.project.undo(steps)
            return
        undone = self.project.undo(steps, by="cy")
        expected = [self.model.undo() for _ in range(min(steps, self.model.pointer))]
        assert [set(item.image_ids) for item in undone] == expected
        assert all(item.what for item in undone)

    @rule(steps=st.integers(1, 4))
    def redo(self, steps: int) -> None:
        """Do again what was undone, unless something new was done since."""
        left = len(self.model.acts) - self.model.pointer
        if not left:
            with pytest.raises(NothingToRedo):
                self.project.redo(steps)
            return
        redone = self.project.redo(steps, by="cy")
        expected = [self.model.redo() for _ in range(min(steps, left))]
        assert [set(item.image_ids) for item in redone] == expected

    @rule(name=st.sampled_from(NAMES))
    def new_class(self, name: str) -> None:
        """Make a class; a name that is taken is refused."""
        if self.model.free(name) != name:
            with pytest.raises(BadClassName):
                self.project.new_class(name)
            return
        self.project.new_class(name)
        with self.project.database.read() as connection:
            class_id = connection.exec_driver_sql("SELECT MAX(id) FROM classes").scalar_one()
        self.model.names[class_id] = name
        self.model.do(Act(kind="new class", class_id=class_id))

    @rule(number=numbers, name=st.sampled_from(NAMES))
    def rename(self, number: int, name: str) -> None:
        """Give a class another name; one that another class has is refused."""
        class_id = self.label(number)
        before = self.model.names.pop(class_id)
        free = self.model.free(name) == name
        self.model.names[class_id] = name if free else before
        if not free:
            with pytest.raises(BadClassName):
                self.project.rename_class(before, name)
            return
        decided = self.project.rename_class(before, name)
        assert bool(decided.batch) == (name != before)
        if decided.batch:
            self.model.do(Act(kind="rename", class_id=class_id, name_before=before))

    @rule(first=numbers, second=numbers)
    def merge(self, first: int, second: int) -> None:
        """Make one class of two; a class is not merged into itself."""
        class_id, into = self.label(first), self.label(second)
        names = self.model.names[class_id], self.model.names[into]
        if class_id == into:
            with pytest.raises(InputError):
                self.project.merge_classes(*names)
            return
        decided = self.project.merge_classes(*names)
        moved = {i for i, (label, _) in self.model.states().items() if label == class_id}
        assert set(decided.image_ids) == moved
        del self.model.names[class_id]
        self.model.do(
            Act(kind="merge", class_id=class_id, into=into, name_before=names[0], moved=moved)
        )

    @rule(number=numbers)
    def arrive(self, number: int) -> None:
        """Let an image come, by an address of a class that is there or was merged."""
        classes = sorted({*self.model.names, *self.model.merges()})
        class_id = classes[number % len(classes)]
        with self.project.database.write() as connection:
            (image,) = add_images(connection, [class_id])
            class_changes.follow(connection, [image])
        self.model.arrive(image, class_id)

    @rule(number=numbers, images=st.integers(1, 3), name=st.sampled_from([*NAMES, ""]))
    def import_images(self, number: int, images: int, name: str) -> None:
        """Import images, of a class that is there or was merged, or of one that is made for it."""
        model = self.model
        arrivals = Arrivals()
        makes = name and model.free(name) == name
        with self.project.database.write() as connection:
            if makes:
                class_id = next(c.id for c in add_classes(connection, [name]) if c.name == name)
                arrivals.made_classes(connection, [class_id])
            else:
                there = sorted({*model.names, *model.merges()})
                class_id = there[number % len(there)]
            ids = add_images(connection, [class_id] * images, kind="file")
            arrivals.came(connection, ids[:1], {})
            arrivals.came(connection, ids[1:], {})
        for image in ids:
            model.imported.add(image)
            model.arrive(image, class_id)
        act = Act(kind="import", brought=set(ids))
        if makes:
            model.names[class_id] = name
            act.class_id, act.name_before = class_id, name
        model.do(act)

    @rule()
    def reopen(self) -> None:
        """Close the project and open it again."""
        self.project.close()
        self.project = Project.open(self.folder)

    @rule()
    def export(self) -> None:
        """Plan an export: it holds the live images under the labels that they have now."""
        planned = plan(self.project)
        ids = [int(digest, 16) for digest in planned["sha256"]]
        expected = {
            i: self.model.names[label]
            for i, (label, state) in self.model.states().items()
            if state not in schema.OUT
        }
        assert dict(zip(ids, planned["label"], strict=True)) == expected

    @invariant()
    def the_store_agrees(self) -> None:
        """Labels, states, class names and what can be undone are the model's."""
        database, model = self.project.database, self.model
        kept = kept_current(database)
        assert kept == derived_current(database)
        assert {row[0]: (row[1], row[2]) for row in kept} == model.states()
        assert sorted(self.project.class_names()) == sorted(model.names.values())
        with database.read() as connection:
            assert ledger.can_undo(connection) == (model.pointer > 0)
            assert ledger.can_redo(connection) == (model.pointer < len(model.acts))
            decided = sum(len(act.choices) for act in model.acts[: model.pointer])
            assert ledger_log.count(connection) == decided
            gone = {k: act.into for k, act in model.merges().items()}
            assert merged_ids(connection).keys() == gone.keys()

    @invariant()
    def nothing_is_lost(self) -> None:
        """Rows of the ledger are only ever added, and none is changed."""
        rows = ledger_rows(self.project.database)
        before = set(self.ledger)
        assert [row for row in rows if row in before] == self.ledger
        self.ledger = rows


@pytest.fixture
def template(tmp_path: Path) -> Path:
    """Give a project with three classes and a few images; to be copied."""
    folder = tmp_path / "template"
    with (
        kept_in_files(),
        Project.create(folder, list(AT_FIRST.values())) as project,
        project.database.write() as connection,
    ):
        add_images(connection, [1 + image % 3 for image in range(1, IMAGES + 1)])
    return folder


def check(template: Path, tmp_path: Path, examples: int, steps: int) -> None:
    """Run the machine."""
    run_state_machine_as_test(
        partial(Review, template, tmp_path / "project"),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_anything_in_any_order(template: Path, tmp_path: Path) -> None:
    """Whatever is done, undone and redone, the store says what a simple model says."""
    check(template, tmp_path, examples=12, steps=25)


@pytest.mark.slow
@pytest.mark.soak
def test_anything_in_any_order_for_long(template: Path, tmp_path: Path) -> None:
    """The same, with many more and longer sequences."""
    check(template, tmp_path, examples=150, steps=60)
