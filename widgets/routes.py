"""Every route and websocket that the dashboard serves. What is not in this table is not served.

Voila and jupyter_server bring more: files by path, a login form, themes, the kernels' list, and a
websocket that gave a page's query string, token included, to whoever knew its kernel's id.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.handlers import KernelHandler
from tornado.web import RequestHandler
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler
from voila.static_file_handler import MultiStaticFileHandler
from voila.tornado.handler import TornadoVoilaHandler
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from widgets import page_files
from widgets.gate import Door, Route, small_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KERNEL = r"(?P<kernel_id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})"
# The page's own parts: anywidget, ipywidgets' and Voila's managers of widgets.
EXTENSIONS = (
    "anywidget",
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
)
KEPT_SECONDS = 24 * 3600  # the path is new with each process, so nothing outlives its files


class PlainErrors(RequestHandler):
    """Errors in a sentence: Jupyter's pages of errors ask for files that are not served."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say that it failed, and nothing of the inside."""
        del kwargs
        self.finish(small_page(f"The dashboard could not answer ({status_code}). Load it again."))


class Page(PlainErrors, TornadoVoilaHandler):  # type: ignore[misc]
    """The page itself: the notebook's cell, run by a kernel that stands by."""


class Channels(PlainErrors, VoilaKernelWebsocketHandler):  # type: ignore[misc]
    """A page's connection with its kernel; it may send widget messages, not code."""


class Model(KernelHandler):
    """Tells a page's manager of widgets about its kernel; ending one is the beacon's."""


class Shutdown(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Takes the beacon by which a page that goes ends its kernel.

    A beacon cannot carry the header that Jupyter's check for forged requests wants; the gate has
    seen the login's cookie and that the Origin is ours, which shows the same.
    """

    def check_xsrf_cookie(self) -> None:
        """Nothing: see the class."""


class PageFile(PlainErrors, page_files.PageFile):
    """A module of the page, or its style sheet."""


class Static(PlainErrors, MultiStaticFileHandler):  # type: ignore[misc]
    """Scripts and styles of the page's frame, from the first of several folders that has them."""

    def get_cache_time(self, *_: Any) -> int:
        """Seconds that a browser may keep a file."""
        return KEPT_SECONDS


def table(below: str, folders: Sequence[Path], page: Mapping[str, Any]) -> list[Route]:
    """Give the routes of a dashboard whose page lies at ``below``.

    ``folders``: what Jupyter calls data folders, whose static parts are served; ``page``: arguments
    of Voila's handler.
    """
    templates = [
        str(folder / app / "templates" / name / "static")
        for name in ("curator", "lab", "base")
        for folder in folders
        for app in ("voila", "nbconvert")
    ]
    extensions = [
        str(folder / inner)
        for folder in folders
        for inner in ("labextensions", "voila/labextensions")
    ]
    served = "|".join(re.escape(name) for name in EXTENSIONS)
    return [
        Route(
            "/",
            Door,
            open=True,
            query=("token",),
            why="takes the token and gives the cookie; says nothing else",
        ),
        Route(below, Page, arguments=page, why="the page"),
        Route(
            f"{below}api/kernels/{KERNEL}/channels",
            Channels,
            methods=("GET",),
            websocket=True,
            query=("session_id",),
            why="the page's connection with its kernel",
        ),
        Route(
            f"{below}api/kernels/{KERNEL}",
            Model,
            methods=("GET",),
            why="the page's manager of widgets asks whether its kernel is there",
        ),
        Route(
            f"{below}voila/api/shutdown/([0-9a-f-]+)",
            Shutdown,
            methods=("POST",),
            why="a page that goes ends its kernel",
        ),
        Route(
            f"{below}voila/templates/curator/static/(.*)",
            Static,
            arguments={"paths": templates},
            why="styles of the frame",
        ),
        Route(
            f"{below}voila/static/(.*)",
            Static,
            arguments={"paths": templates},
            why="scripts of the frame",
        ),
        Route(
            f"{below}voila/labextensions/((?:{served})/.*)",
            Static,
            arguments={"paths": extensions},
            why="the managers of widgets",
        ),
        Route(
            f"{below}curator/static/{page_files.version()}/([^/]*)",
            PageFile,
            why="the page's own modules and its style sheet, of one version",
        ),
    ]
