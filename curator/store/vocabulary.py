"""The states of an image and the actions that lead there, and what both are called.

What people read of a state or of an action comes from here: the command line, the review's history,
undo, cards and recipes. The page's scripts have keys and buttons of their own for the same actions;
tests/store/test_vocabulary.py compares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from curator.store import schema

Action = Literal["keep", "delete", "relabel", "unsure", "several", "none"]
"""What a person decides on an image."""

ACTIONS: tuple[Action, ...] = get_args(Action)

STATE_AFTER: Mapping[str, str] = {
    "keep": schema.KEPT,
    "delete": schema.DELETED,
    "relabel": schema.KEPT,
    "unsure": schema.UNSURE,
    "several": schema.SEVERAL,
    "none": schema.NONE,
}

ACTION_INTO: Mapping[str, Action] = {
    after: action  # type: ignore[misc]
    for action, after in STATE_AFTER.items()
    if after != schema.KEPT
}
"""The action that leads into a state, where there is just one."""

DONE: Mapping[str, str] = {
    "keep": "kept",
    "delete": "deleted",
    "relabel": "relabelled",
    "unsure": "marked as unsure",
    "several": "marked as of more than one class",
    "none": "marked as of none of the classes",
}
"""What was done to an image, as in "3 images deleted"."""

STATES: Mapping[str, str] = {
    schema.NEW: "not decided on",
    schema.KEPT: "kept",
    schema.UNSURE: "unsure",
    schema.SEVERAL: "of more than one class",
    schema.NONE: "of none of the classes",
    schema.DELETED: "deleted",
    schema.WITHDRAWN: "taken back with its import",
    schema.UNLABELLED: "without a label yet",
}
"""What an image is, as in "2 images of none of the classes"."""
