"""What computes: this machine or a Ray cluster, as options of the commands that leave it open."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from curator.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from curator.cluster.settings import ClusterSettings


class Engine(StrEnum):
    """What computes."""

    HERE = "here"
    RAY = "ray"


EngineOption = Annotated[Engine, typer.Option(help="What does it: this machine, or a Ray cluster.")]
AddressOption = Annotated[
    str, typer.Option(metavar="HOST:PORT", help="Of a running Ray cluster; else this machine.")
]


def cluster_of(engine: Engine, options: Mapping[str, object]) -> ClusterSettings | None:
    """The settings that the options name, by their fields; None: this machine.

    Raises InputError for an option of a cluster without one.
    """
    if engine is Engine.RAY:
        from curator.cluster.settings import ClusterSettings

        return ClusterSettings.of(options)
    if any(options.values()):
        *others, last = (f"--{name}" for name in options)
        named = f"{', '.join(others)} and {last} are" if others else f"{last} is"
        raise InputError(f"{named} for a cluster.", "Add --engine ray.")
    return None
