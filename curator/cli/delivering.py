"""Commands of the station Use, and the two ways to see it all: dashboard and demo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from curator.cli.page import PageBrowser, PageHost, PagePort, serve_page
from curator.cli.printing import AsJson, ProjectPath, complain, run_job, say, say_json, say_table
from curator.files import refuse_occupied
from curator.project import Project

if TYPE_CHECKING:
    from curator.deliver.formats import FormatName
    from curator.deliver.preview import ExportPreview


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    app.command()(export)
    app.command("export-model")(export_model)
    app.command()(serve)
    app.command()(deploy)
    app.command()(dashboard)
    app.command()(demo)


def export(
    project: ProjectPath,
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    forms: Annotated[
        list[str] | None,
        typer.Option(
            "--as",
            metavar="FORM",
            help="imagefolder (default), hf, webdataset, csv or croissant; may be repeated.",
        ),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="A tagged version; default: the data set as it is.")
    ] = None,
    selection: Annotated[
        str,
        typer.Option(metavar="NAME", help="Only this selection, as `curator sample` names it."),
    ] = "",
    link: Annotated[
        bool,
        typer.Option(
            "--link",
            help="Where the disk cannot share blocks: hard links to the project's originals, made "
            "read-only, instead of copies.",
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be written; write nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the curated images with manifest.csv and a card, in one or several forms."""
    formats = cast("list[FormatName]", forms or ["imagefolder"])
    if dry_run:
        with Project.open(project) as opened:
            say_preview(
                opened.preview_export(formats, version=version, selection=selection, folder=out),
                as_json,
            )
        return
    exported = run_job(
        project,
        as_json,
        lambda opened, listener: opened.export(
            out, formats, link=link, version=version, selection=selection, listener=listener
        ),
    )
    if as_json:
        return
    import pandas as pd

    say_table(pd.DataFrame([asdict(row) for row in exported.counts]))
    say(exported.sentence)


def say_preview(found: ExportPreview, as_json: bool) -> None:
    """What an export would write."""
    if as_json:
        say_json(found.to_dict())
        return
    import pandas as pd

    chosen = [item for item in found.formats if item.chosen]
    parts = [part for item in chosen for part in item.parts]
    if any(item.has_folders for item in chosen):
        parts = [*found.folders, *parts]
    if parts:
        say_table(pd.DataFrame([asdict(part) for part in parts]))
    say(found.sentence)


def export_model(
    project: ProjectPath,
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    run: Annotated[
        int | None,
        typer.Option(help="Run to export; default: the one that `curator status` names."),
    ] = None,
    pt2: Annotated[
        bool, typer.Option("--pt2", help="Write model.pt2 of torch.export, too.")
    ] = False,
    int8: Annotated[
        bool, typer.Option(help="Try a smaller model in 8 bits, and keep it where it agrees.")
    ] = True,
    deployed: Annotated[
        Path | None,
        typer.Option(
            "--deploy",
            metavar="FOLDER",
            help="Write a folder, too, that serves the model on another machine.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the model: ONNX and safetensors, classes, preprocessing, metrics, example and card."""
    if deployed is not None:
        refuse_occupied(deployed.expanduser())
    exported = run_job(
        project,
        as_json and deployed is None,
        lambda opened, listener: opened.export_model(
            out, run, pt2=pt2, int8=int8, listener=listener
        ),
    )
    if not as_json:
        if exported.int8 is not None:
            say(exported.int8.sentence)
        say(exported.sentence)
    if deployed is None:
        return
    from curator.serve.deploy import deploy_model

    service = deploy_model(out, deployed)
    if as_json:
        say_json({**exported.to_dict(), "deployed": service.to_dict()})
    else:
        say(service.sentence)


def serve(
    model: Annotated[Path, typer.Argument(help="Folder made by export-model.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; another than this opens it to the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes any.")] = 8348,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="CURATOR_TOKEN",
            help="Who asks must send it. Better by the variable or a file: others on this machine "
            "may see a command's options.",
        ),
    ] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with the token.")] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="Host name that requests may use; may be repeated. Default: any."),
    ] = None,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also fetch private networks and any port.")
    ] = False,
    processes: Annotated[
        int | None, typer.Option(help="Processes that decode; default: one a core.")
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads of the network; default: one a core.")
    ] = None,
) -> None:
    """Answer over HTTP from an exported model, with a page to try it, until Ctrl+C."""
    from curator.serve.server import serve_model
    from curator.serve.settings import ServeSettings, token_in

    given: dict[str, object] = {
        "host": host,
        "port": port,
        "token": token_in(token_file) if token_file else token,
        "names": tuple(name or ()),
        "allow_private": allow_private,
        "processes": processes,
        "threads": threads,
    }
    serve_model(model, ServeSettings.of(given), say=say, warn=complain)


def deploy(
    model: Annotated[Path, typer.Argument(help="Folder made by export-model.")],
    out: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    as_json: AsJson = False,
) -> None:
    """Write a folder that serves the model on another machine, without the curator."""
    from curator.serve.deploy import deploy_model

    deployed = deploy_model(model, out)
    if as_json:
        say_json(deployed.to_dict())
    else:
        say(deployed.sentence)


def dashboard(
    project: Annotated[
        Path | None, typer.Argument(metavar="[PROJECT]", help="Default: recent projects.")
    ] = None,
    port: PagePort = None,
    browser: PageBrowser = True,
    host: PageHost = "127.0.0.1",
) -> None:
    """Serve the dashboard on this machine, with a token, until Ctrl+C."""
    serve_page(project, port, browser, host)


def demo(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new or empty folder.")] = Path(
        "demo"
    ),
    as_json: AsJson = False,
) -> None:
    """Do the whole job on the embedded sample, and report how well it went."""
    from curator.cli.demo import run as run_demo

    report = run_demo(folder, quiet=as_json)
    if as_json:
        say_json(report)
