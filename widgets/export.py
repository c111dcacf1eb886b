"""The station Export: a preview of what would be written, then the writing."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from curator.deliver.folder import counts, plan
from curator.errors import CuratorError
from curator.platform import shell_command
from curator.project import Project
from curator.review.status import Status
from widgets.panel import Handler, Panel, script


class ExportPanel(Panel):
    """Shows the plan; the writing goes to the worker."""

    _esm = script("export")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        super().__init__(
            handlers,
            total=0,
            counts=[],
            run=None,
            stale=0,
            folder="",
            model_folder="",
            commands=["", "", ""],
            errors={},
            busy=False,
        )

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Plan the export of the images as they are now."""
        planned = counts(plan(project)) if status.images else ()
        folder, model = free(project, "curated"), free(project, "model")
        of_run = ("--run", status.run.run) if status.run else ()
        self.show(
            total=sum(row.images for row in planned),
            counts=[asdict(row) for row in planned],
            run=status.run.to_dict() if status.run else None,
            stale=status.stale,
            folder=str(folder),
            model_folder=str(model),
            commands=[
                shell_command("curator", "export", project.path, folder),
                shell_command("curator", "export-model", project.path, model, *of_run),
                shell_command("curator", "predict", model, "IMAGE"),
            ],
            errors={},
            busy=busy,
        )

    def fail(self, where: str, error: CuratorError) -> None:
        """Show an error beside its cause."""
        self.show(errors={where: str(error)})


def free(project: Project, kind: str) -> Path:
    """A folder beside the project that does not exist yet."""
    base = project.path.parent / f"{project.path.name}-{kind}"
    number = 2
    folder = base
    while folder.exists():
        folder = base.with_name(f"{base.name}-{number}")
        number += 1
    return folder
