"""One vocabulary: every state and action has its words, and the page has the same ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

import widgets
from curator.cli.deciding import decide
from curator.deliver.recipe.form import DecidedState
from curator.review.queue.details import _WORDS
from curator.store import schema
from curator.store.vocabulary import ACTION_INTO, ACTIONS, DONE, STATE_AFTER, STATES

SCRIPTS = Path(widgets.__file__).parent / "static"


def test_every_action_has_a_state_and_words() -> None:
    """What can be decided leads somewhere, and what it did has a name in undo and history."""
    assert set(ACTIONS) == set(STATE_AFTER) == set(DONE)
    assert set(ACTIONS) <= set(_WORDS)
    assert set(STATE_AFTER.values()) == set(get_args(DecidedState))
    assert {STATE_AFTER[action] for action in ACTION_INTO.values()} == set(ACTION_INTO)


def test_every_state_has_words() -> None:
    """Those that count, and those that are left out."""
    assert set(STATES) == {*schema.LIVE_STATES, *schema.OUT}


def test_the_command_has_an_option_for_every_action() -> None:
    """``curator decide --keep``, and so on."""
    assert set(ACTIONS) <= set(decide.__annotations__)


@pytest.mark.parametrize("script", ["decision_keys.js", "gallery_foot.js"])
def test_the_page_decides_by_the_same_actions(script: str) -> None:
    """By keys and by buttons: each action is there, and no other."""
    asked = re.findall(r'act\.decide\("(\w+)"', (SCRIPTS / script).read_text(encoding="utf-8"))
    assert set(asked) == set(ACTIONS)


def test_the_page_marks_the_same_states() -> None:
    """A tile has a mark for each state that it can be in."""
    text = (SCRIPTS / "gallery_tile.js").read_text(encoding="utf-8")
    table = re.search(r"const MARKS = \{(.*?)\};", text, re.DOTALL)
    assert table is not None
    marks = set(re.findall(r"^\s*(\w+):", table[1], re.MULTILINE))
    assert marks == set(STATES) - {schema.WITHDRAWN}
