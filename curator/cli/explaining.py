"""The commands that tell why a model says what it says, and where it is weak."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, say, say_json
from curator.errors import FileError
from curator.files import write_atomic
from curator.phrasing import many
from curator.platform import shell_command
from curator.project import Project

if TYPE_CHECKING:
    from curator.find.why import Explanation


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(explain)
    app.command()(weak)


def explain(
    project: ProjectPath,
    image_ids: Annotated[list[int], typer.Argument(metavar="ID...", help="Ids of images.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw the evidence over the pictures, as PNG files."),
    ] = None,
    run_id: Annotated[
        int | None, typer.Option("--run", metavar="RUN", help="The run that is asked.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what in pictures speaks for their label and for what the model says."""
    found = []
    with Project.open(project) as opened:
        for image_id in image_ids:
            explanation = opened.explain(image_id, run_id)
            found.append(explanation)
            written = [] if out is None else _draw(opened, explanation, out)
            if not as_json:
                say(explanation.sentence, *(f"  {path}" for path in written))
    if as_json:
        say_json([each.to_dict() for each in found])


def weak(
    project: ProjectPath,
    run_id: Annotated[
        int | None, typer.Option("--run", metavar="RUN", help="The run that is asked.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List like images that are judged worse than the rest, and what gives a class away."""
    with Project.open(project) as opened:
        found = opened.weak_spots(run_id)
    if as_json:
        say_json(found.to_dict())
        return
    listed = [
        *((item.sentence, item.code, item.image_ids) for item in found.spots),
        *((item.sentence, item.code, item.image_ids) for item in found.shortcuts),
    ]
    for sentence, code, ids in listed:
        look = shell_command("curator", "queue", project, "all", "--finding", code)
        say(sentence, f"  {many(len(ids), 'image')}: {look}")
    if not found.spots and not found.shortcuts:
        say(found.sentence)
    say(
        "",
        f"Run {found.run}, {many(found.judged, 'image')}: {many(found.clusters, 'cluster')} and "
        f"{many(found.measures, 'measure')} were looked at.",
    )


def _draw(project: Project, explanation: Explanation, folder: Path) -> list[Path]:
    """Write a PNG for each class; their paths."""
    from curator.find.heat import as_png, drawn

    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(
            f"{folder} cannot be made: {error.strerror or error}.", "Name another folder."
        ) from error
    for place, (name, picture) in enumerate(drawn(project, explanation).items()):
        kind = "label" if name == explanation.label else "predicted"
        plain = re.sub(r"[^\w-]+", "_", name)[:60]
        path = folder / f"{explanation.image_id}-{place + 1}-{kind}-{plain}.png"
        write_atomic(path, as_png(picture))
        written.append(path)
    return written
