"""Concepts against a simple model: any sequence of answers, names, removal, decisions, undo, redo.

The model holds a list of acts with a pointer, as that of the whole ledger does
(``test_ledger_machine.py``): acts before it are in force, those behind it can be redone.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from curator.errors import InputError, NothingToRedo, NothingToUndo
from curator.project import Project
from curator.store import ledger, ledger_log
from tests.conftest import copy_project, kept_in_files
from tests.store.made_up import add_images

if TYPE_CHECKING:
    from pathlib import Path

    from curator.store.vocabulary import Action

pytestmark = pytest.mark.on_server_too

IMAGES = 5
NAMES = ["draw", "DRAW", "folk", "marks", "draw 2"]


@dataclass
class Sought:
    """A concept of the model; without a name while its making is taken back."""

    name: str = ""
    removed: bool = True
    marks: dict[int, bool] = field(default_factory=dict)


@dataclass
class Act:
    """What an act changed of a concept, or the state of an image that it decided on."""

    sought: Sought | None = None
    marks: dict[int, tuple[bool | None, bool]] = field(default_factory=dict)
    name: str | None = None  # to be given back by the next undo or redo
    removed: tuple[bool, bool] | None = None
    image: int = 0
    action: tuple[str, str] = "", ""


numbers = st.integers(0, 99)
names = st.sampled_from(NAMES)
several = st.lists(st.integers(1, IMAGES), max_size=3, unique=True)


class Seeking(RuleBasedStateMachine):
    """A project in which concepts are looked for, beside its model."""

    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        self.folder = folder
        copy_project(template, folder)
        self.project = Project.open(folder)
        self.sought: list[Sought] = []
        self.acts: list[Act] = []
        self.pointer = 0
        self.decided = dict.fromkeys(range(1, IMAGES + 1), "")

    def teardown(self) -> None:
        """Leave nothing behind for the next example."""
        self.project.close()
        shutil.rmtree(self.folder)

    def do(self, act: Act) -> None:
        """Take a new act in: what could be redone is over."""
        self.acts[self.pointer :] = [act]
        self.pointer += 1

    def called(self, name: str) -> Sought | None:
        """The concept of that name, in whatever case, removed or not."""
        return next((one for one in self.sought if one.name.lower() == name.lower()), None)

    def step(self, act: Act, back: bool) -> None:
        """Take an act back, or do it again."""
        now = 0 if back else 1
        if act.image:
            self.decided[act.image] = act.action[now]
        one = act.sought
        if one is None:
            return
        for image, shows in act.marks.items():
            said = shows[now]
            if said is None:
                del one.marks[image]
            else:
                one.marks[image] = said
        if act.removed is not None:
            one.removed = act.removed[now]
        if act.name is not None:
            one.name, act.name = act.name, one.name

    @rule(name=names, shown=several, missing=several)
    def look_for(self, name: str, shown: list[int], missing: list[int]) -> None:
        """Make a concept, add examples to it, or bring it back: one act, if anything changes."""
        self.project.add_concept(name, shown, missing)
        one = self.called(name)
        made = one is None
        if one is None:
            one = Sought(name)
            self.sought.append(one)
        answers = {**dict.fromkeys(shown, True), **dict.fromkeys(missing, False)}
        changed = {i: (one.marks.get(i), s) for i, s in answers.items() if one.marks.get(i) != s}
        back = one.removed
        one.removed = False
        one.marks |= answers
        if changed or back:
            before = "" if made else None
            self.do(Act(one, changed, before, removed=(True, False) if back else None))

    @rule(name=names, shown=several, shows=st.booleans())
    def answer(self, name: str, shown: list[int], shows: bool) -> None:
        """Answer about a concept; of one that is not there it is refused."""
        one = self.called(name)
        if one is None or one.removed:
            with pytest.raises(InputError):
                self.project.mark_concept(name, shown, shows)
            return
        done = self.project.mark_concept(name, shown, shows)
        changed = {i: (one.marks.get(i), shows) for i in shown if one.marks.get(i) != shows}
        assert bool(done.batch) == bool(changed)
        one.marks |= dict.fromkeys(shown, shows)
        if changed:
            self.do(Act(one, changed))

    @rule(name=names, new=names)
    def rename(self, name: str, new: str) -> None:
        """Give another name; one that another concept has or had is refused."""
        one, other = self.called(name), self.called(new)
        if one is None or one.removed or other not in (None, one):
            with pytest.raises(InputError):
                self.project.rename_concept(name, new)
            return
        done = self.project.rename_concept(name, new)
        assert bool(done.batch) == (one.name != new)
        if done.batch:
            assert done.what == f"renamed the concept {one.name} to {new}"
            self.do(Act(one, name=one.name))
            one.name = new

    @rule(name=names)
    def remove(self, name: str) -> None:
        """Look for it no longer."""
        one = self.called(name)
        if one is None or one.removed:
            with pytest.raises(InputError):
                self.project.remove_concept(name)
            return
        assert self.project.remove_concept(name).what == f"removed the concept {one.name}"
        one.removed = True
        self.do(Act(one, removed=(False, True)))

    @rule(image=st.integers(1, IMAGES), action=st.sampled_from(["keep", "delete"]))
    def decide(self, image: int, action: Action) -> None:
        """Decide on an image in between."""
        if self.project.decide([image], action).batch:
            self.do(Act(image=image, action=(self.decided[image], action)))
            self.decided[image] = action

    @rule(steps=st.integers(1, 3))
    def undo(self, steps: int) -> None:
        """Take acts back in their order."""
        if not self.pointer:
            with pytest.raises(NothingToUndo):
                self.project.undo(steps)
            return
        undone = self.project.undo(steps)
        assert all(one.what for one in undone)
        assert len(undone) == min(steps, self.pointer)
        for _ in undone:
            self.pointer -= 1
            self.step(self.acts[self.pointer], back=True)

    @rule(steps=st.integers(1, 3))
    def redo(self, steps: int) -> None:
        """Do again what was undone, unless something new was done since."""
        left = len(self.acts) - self.pointer
        if not left:
            with pytest.raises(NothingToRedo):
                self.project.redo(steps)
            return
        redone = self.project.redo(steps)
        assert all(one.what for one in redone)
        assert len(redone) == min(steps, left)
        for _ in redone:
            self.step(self.acts[self.pointer], back=False)
            self.pointer += 1

    @invariant()
    def the_store_agrees(self) -> None:
        """Names, answers, decisions and what can be undone are the model's."""
        shown = [one for one in self.sought if not one.removed]
        assert self.project.concept_names() == [one.name for one in shown]
        for one in shown:
            marks = self.project.concept_marks(one.name)
            assert marks.yes == {image for image, shows in one.marks.items() if shows}
            assert marks.no == {image for image, shows in one.marks.items() if not shows}
        with self.project.database.read() as connection:
            assert ledger.can_undo(connection) == (self.pointer > 0)
            assert ledger.can_redo(connection) == (self.pointer < len(self.acts))
            assert ledger_log.count(connection) == sum(
                bool(act.image) for act in self.acts[: self.pointer]
            )


def check(tmp_path: Path, examples: int, steps: int) -> None:
    """Run the machine."""
    with (
        kept_in_files(),
        Project.create(tmp_path / "template", ["a", "b"]) as project,
        project.database.write() as connection,
    ):
        add_images(connection, [1] * IMAGES)
    run_state_machine_as_test(
        partial(Seeking, tmp_path / "template", tmp_path / "project"),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.slow
def test_concepts_in_any_order(tmp_path: Path) -> None:
    """Whatever is said, renamed, removed, undone and redone, the store says what a model says."""
    check(tmp_path, examples=12, steps=25)


@pytest.mark.slow
@pytest.mark.soak
def test_concepts_in_any_order_for_long(tmp_path: Path) -> None:
    """The same, with many more and longer sequences."""
    check(tmp_path, examples=150, steps=60)
