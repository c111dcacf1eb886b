"""The command line in this process, as a function that tests call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from curator.cli import printing, run
from curator.sample.digits import Item
from curator.sample.server import Served, serving
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Answer:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, parsed."""
        return json.loads(self.out)


class Curator(Protocol):
    """Runs a command; its arguments are turned into text."""

    def __call__(self, *arguments: object) -> Answer:
        """Run the command with these arguments."""
        ...


@pytest.fixture
def curator(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Curator:
    """Give a function that runs the command line in this process, on a wide terminal."""
    monkeypatch.setattr(printing.out, "width", 250)
    monkeypatch.delenv("CURATOR_DEBUG", raising=False)

    def command(*arguments: object) -> Answer:
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(status, said.out, said.err)

    return command


@pytest.fixture
def served() -> Iterator[Served]:
    """Serve ten pictures of two classes; one address of each class is dead."""
    items = [
        Item(
            f"/{number}.png",
            "ab"[number % 2],
            None,
            "",
            encoded(picture(number)),
            status=404 if number > 9 else 200,
        )
        for number in range(12)
    ]
    with serving(items) as running:
        yield running
