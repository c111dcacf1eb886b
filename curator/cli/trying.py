"""Commands that try pictures on a model: `try` in the terminal, `classify` as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from curator.cli.page import PageBrowser, PageHost, PagePort, serve_page
from curator.cli.printing import AsJson, ProjectPath, complain, say, say_json
from curator.errors import CuratorError
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
    port: PagePort = None,
    browser: PageBrowser = True,
    host: PageHost = "127.0.0.1",
) -> None:
    """Serve a page where pictures are tried on a model, with a token, until Ctrl+C."""
    from curator.deliver.received import read_config

    read_config(model.expanduser())
    serve_page(project, port, browser, host, model)
