"""What all work on other machines has in common, whatever it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.errors import InputError
from curator.phrasing import many
from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_other_version(asking: str) -> None:
    """Raise InputError on a machine whose curator is not of the version that asks."""
    if asking != __version__:
        raise InputError(
            f"A machine of the cluster has the curator {__version__}, not {asking}.",
            "Install the same version on every machine.",
        )


def done_here(lost: Sequence[str]) -> list[str]:
    """What a user should know of tasks that failed, whose work was done here, with one reason."""
    if not lost:
        return []
    tasks, why = many(len(lost), "task"), lost[0].rstrip(".")
    return [f"{tasks} of the cluster failed, and this machine did their part: {why}."]
