"""The command `predict`, which answers within a second: it opens no project and loads no torch."""

from __future__ import annotations

import csv
import io
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.printing import AsJson, bar_of, complain, json_text, printable
from curator.files import write_atomic
from curator.spreadsheets import harmless

if TYPE_CHECKING:
    from curator.deliver.asking import Asked


class Form(StrEnum):
    """How answers are written."""

    text = "text"
    csv = "csv"
    jsonl = "jsonl"
    json = "json"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""
    app.command()(predict)


def predict(
    model: Annotated[Path, typer.Argument(help="Folder made by export-model.")],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Pictures, folders of them, or addresses."),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option("--list", metavar="FILE", help="A list of addresses; may be repeated."),
    ] = None,
    form: Annotated[
        Form, typer.Option("--format", help="Of the answers: a line each, or for machines.")
    ] = Form.text,
    out: Annotated[
        Path | None, typer.Option(help="Write the answers to this file instead.")
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Fetch from private networks, too.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Say what an exported model sees; an unreadable image does not stop the others."""
    from curator.deliver import asking
    from curator.deliver.predict import Predictor
    from curator.errors import InputError

    predictor = Predictor.load(model)
    asked = asking.inputs(inputs or [], lists or [])
    if not len(asked):
        raise InputError("There is nothing to ask about.", "Name pictures, folders or addresses.")
    written = _Answers(Form.json if as_json else form, predictor.classes, out)
    failed = False
    with bar_of(len(asked)) as tell:
        for item in asking.ask(predictor, asked, allow_private=allow_private):
            if item.answer is None:
                failed = True
                complain(f"{item.image}: {item.error}")
            written.take(item)
            tell()
    written.end()
    return 1 if failed else 0


class _Answers:
    """Writes answers as they come; to a file all at the end, so that it is whole or not there."""

    def __init__(self, form: Form, classes: tuple[str, ...], out: Path | None) -> None:
        self._form = form
        self._classes = classes
        self._out = out
        self._lines: list[str] = []
        self._objects: list[dict[str, object]] = []
        if form is Form.csv:
            self._row(["image", "label", "probability", "none_of_these", "error", *classes])

    def take(self, item: Asked) -> None:
        """Write one answer."""
        said = item.answer
        if self._form is Form.json:
            self._objects.append(item.to_dict())
        elif self._form is Form.jsonl:
            self._line(json_text(item.to_dict(), one_line=True))
        elif self._form is Form.csv:
            best = ("", "") if said is None else said.predictions[0]
            shares = {} if said is None else dict(said.predictions)
            none = "" if said is None else str(said.none_of_these).lower()
            cells = [shares.get(name, "") for name in self._classes]
            self._row([item.image, *best, none, item.error, *cells])
        elif said is not None:
            self._line(printable(f"{item.image}: {said.sentence}"))

    def end(self) -> None:
        """Write what waits for the end."""
        if self._form is Form.json:
            self._line(json_text(self._objects))
        if self._out is not None:
            write_atomic(self._out, "".join(f"{line}\n" for line in self._lines).encode())

    def _row(self, cells: list[object]) -> None:
        row = io.StringIO()
        texts = [harmless(printable(each)) if isinstance(each, str) else each for each in cells]
        csv.writer(row, lineterminator="").writerow(texts)
        self._line(row.getvalue())

    def _line(self, text: str) -> None:
        if self._out is None:
            typer.echo(text)
        else:
            self._lines.append(text)
