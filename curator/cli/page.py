"""What the commands that serve a page have in common: their options, and the serving."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from curator.cli.printing import complain, say
from curator.errors import InputError
from curator.project import Project

PagePort: TypeAlias = Annotated[
    int | None,
    typer.Option(help="Port on this machine; 0 takes any. Default: 8347, or the next free."),
]
PageBrowser: TypeAlias = Annotated[bool, typer.Option(help="Open the page in the browser.")]
PageHost: TypeAlias = Annotated[
    str, typer.Option(help="Address to listen on; another than this opens it to the network.")
]


def serve_page(
    project: Path | None, port: int | None, browser: bool, host: str, model: Path | None = None
) -> None:
    """Serve the dashboard, or with ``model`` the page that tries it, until Ctrl+C."""
    if project is not None:
        Project.open(project).close()
    if port is not None and not 0 <= port <= 65535:
        raise InputError(f"Port {port} does not exist.", "Use 0 to 65535.")
    from widgets.server import serve

    serve(project, port, browser, host, model=model, say=say, warn=complain)
