"""The station Export: a preview of what would be written and where, then the writing."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from curator.deliver.folder import counts, plan
from curator.errors import CuratorError, InputError
from curator.files import refuse_occupied
from curator.platform import shell_command
from curator.project import Project
from curator.review.status import Status
from curator.store import jobs, judgements
from widgets.panel import Handler, Panel, script

KINDS = {"export": "curated", "export_model": "model"}  # what is written, and its folder's ending


class ExportPanel(Panel):
    """Shows the plan; the writing goes to the worker."""

    _esm = script("export")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            {**handlers, "where": self._show_where},
            total=0,
            counts=[],
            run=None,
            tested=None,
            stale=0,
            folder="",
            model_folder="",
            where={},
            commands={},
            written={},
            predict="",
            errors={},
            busy=False,
        )
        self._project: Project | None = None
        self._run: int | None = None  # what the page names as the model to be written
        self._typed: dict[str, str] = {}  # absolute folders that stand in the forms, by kind

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Plan the export of the images as they are now."""
        self._project = project
        planned = counts(plan(project)) if status.images else ()
        free_ones = {kind: str(free(project, ending)) for kind, ending in KINDS.items()}
        if (free_ones["export"], free_ones["export_model"]) != (
            self.state["folder"],
            self.state["model_folder"],
        ):
            self._typed = {}  # the forms begin anew
        where = {**free_ones, **self._typed}
        written = {kind: folder for kind in KINDS if (folder := last_written(project, kind))}
        model = written.get("export_model")
        self._run = status.run.run if status.run else None
        self.show(
            total=sum(row.images for row in planned),
            counts=[asdict(row) for row in planned],
            run=status.run.to_dict() if status.run else None,
            tested=judged_on_test(project, self._run) if self._run is not None else None,
            stale=status.stale,
            folder=free_ones["export"],
            model_folder=free_ones["export_model"],
            where=where,
            commands={kind: self._command(project, kind, out) for kind, out in where.items()},
            written=written,
            predict=shell_command("curator", "predict", model, "IMAGE") if model else "",
            errors={},
            busy=busy,
        )

    def target(self, kind: str, message: dict[str, Any]) -> str | None:
        """The absolute folder that a form names; None, with the reason shown, if it cannot be."""
        assert self._project is not None
        try:
            out = absolute(self._project, str(message["out"]))
            refuse_occupied(out)
        except CuratorError as error:
            self.show(errors={kind: str(error)})
            return None
        return str(out)

    def _command(self, project: Project, kind: str, out: str) -> str:
        """The export on the command line, of the run that the page names."""
        of_run = ("--run", self._run) if kind == "export_model" and self._run is not None else ()
        return shell_command("curator", kind.replace("_", "-"), project.path, out, *of_run)

    def _show_where(self, message: dict[str, Any]) -> None:
        """Show where what is being typed would be written, before it is."""
        kind = str(message["kind"])
        if self._project is None or kind not in KINDS:
            return
        try:
            out = str(absolute(self._project, str(message["out"])))
        except InputError:
            return  # said when the form is sent
        self._typed[kind] = out
        self.show(
            where={**self.state["where"], kind: out},
            commands={**self.state["commands"], kind: self._command(self._project, kind, out)},
        )


def judged_on_test(project: Project, run_id: int) -> dict[str, Any]:
    """How often a run was judged on the test images, and with what result the last time."""
    looks, newest = judgements.of_run(project.database, run_id)
    return {"looks": looks, "rate": None if newest is None else newest.quality}


def absolute(project: Project, typed: str) -> Path:
    """The folder that was typed: beside the project unless it is absolute, "~" the user's home.

    Raises InputError for one that names no folder.
    """
    text = typed.strip()
    if not text or "\0" in text:
        raise InputError("The new folder needs a name.", "Type one; it is made for you.")
    try:
        folder = Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{text!r} is nobody's home folder.", "Type another folder.") from error
    return Path(os.path.abspath(project.path.parent / folder))  # noqa: PTH100 -- follows no link


def last_written(project: Project, kind: str) -> str:
    """The folder that the last export of a kind wrote, if it is still there, else ""."""
    last = jobs.latest(project.database, (jobs.DONE,), kind.replace("_", "-"))
    folder = str((last.result or {}).get("folder", "")) if last else ""
    return folder if folder and Path(folder).is_dir() else ""


def free(project: Project, kind: str) -> Path:
    """A folder beside the project that does not exist yet."""
    base = project.path.parent / f"{project.path.name}-{kind}"
    number = 2
    folder = base
    while folder.exists():
        folder = base.with_name(f"{base.name}-{number}")
        number += 1
    return folder
