"""Commands that try pictures on a model: `try` in the terminal, `classify` as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.printing import AsJson, ProjectPath, complain, say, say_json
from curator.errors import CuratorError, InputError
from curator.project import Project


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command("try")(try_pictures)
    app.command()(classify)


def try_pictures(
    project: ProjectPath,
    pictures: Annotated[list[str], typer.Argument(metavar="PICTURE...", help="Files, addresses.")],
    as_json: AsJson = False,
) -> int:
    """Say what the model of the run in use sees, and which training images look like it."""
    from curator.serve.trying import Trial, content_of

    answers: list[dict[str, object]] = []
    with Project.open(project) as opened, Trial(opened) as trial:
        for picture in pictures:
            try:
                tried = trial.ask(content_of(picture))
            except CuratorError as error:
                answers.append({"picture": picture, "error": str(error)})
                complain(f"{picture}: {error}")
                continue
            answers.append({"picture": picture, **tried.to_dict()})
            if not as_json:
                near = ", ".join(
                    f"{item.label} (image {item.image_id}, {item.similarity:.2f})"
                    for item in tried.nearest[:3]
                )
                say(f"{picture}: {tried.sentence}" + (f"; like {near}" if near else ""))
    if as_json:
        say_json(answers)
    return 1 if any("error" in answer for answer in answers) else 0


def classify(
    model: Annotated[Path, typer.Argument(help="Folder made by export-model.")],
    project: Annotated[
        Path | None,
        typer.Option(help="Its images are the evidence, and it takes pictures in."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port on this machine; 0 takes any. Default: 8347, or the next free."),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than this opens it to the network.")
    ] = "127.0.0.1",
) -> None:
    """Serve a page where pictures are tried on a model, with a token, until Ctrl+C."""
    from curator.deliver.received import read_config

    read_config(model.expanduser())
    if project is not None:
        Project.open(project).close()
    if port is not None and not 0 <= port <= 65535:
        raise InputError(f"Port {port} does not exist.", "Use 0 to 65535.")
    from widgets.server import serve

    serve(project, port, browser, host, model=model, say=say, warn=complain)
