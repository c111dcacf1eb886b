"""Serving the dashboard: Voila on this machine only, behind a token, with no file by path."""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
import webbrowser
from pathlib import Path

from curator.cli.printing import say
from curator.errors import InputError

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parent
NOTEBOOK = ROOT.parent / "notebooks" / "curator.ipynb"


def serve(project: Path | None, port: int = 0, browser: bool = True) -> None:
    """Serve until interrupted; print the address with its token, and open it in a browser.

    ``port`` 0 takes a free one. Raises InputError when the port is taken.
    """
    # The page's template lies beside this file; Voila looks for it along this path.
    paths = [str(ROOT / "jupyter"), os.environ.get("JUPYTER_PATH", "")]
    os.environ["JUPYTER_PATH"] = os.pathsep.join(path for path in paths if path)
    os.environ.pop("CURATOR_PROJECT", None)
    if project is not None:
        os.environ["CURATOR_PROJECT"] = str(project.expanduser().resolve())
    from traitlets.config import Config

    from widgets.voila_app import Dashboards

    port = port or _free_port()
    token = secrets.token_urlsafe(24)
    config = Config()
    config.Voila.ip = HOST
    config.Voila.port = port
    config.Voila.port_retries = 0
    config.Voila.open_browser = False
    config.Voila.token = token
    config.Voila.log_level = "WARN"
    config.VoilaConfiguration.template = "curator"
    config.VoilaConfiguration.theme = "light"
    config.VoilaConfiguration.file_allowlist = []
    # Only what the page needs: other extensions of this installation would load and complain.
    config.VoilaConfiguration.extension_allowlist = [
        "anywidget",
        "@jupyter-widgets/jupyterlab-manager",
        "@voila-dashboards/widgets-manager8",
    ]
    config.VoilaConfiguration.show_tracebacks = False
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    # A kernel stands by with the notebook run, so that opening and reloading are immediate.
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.default_pool_size = 1
    if _taken(port):
        raise InputError(
            f"Port {port} on {HOST} is taken.", "Name another with --port, or leave it out."
        )
    address = f"http://{HOST}:{port}/?token={token}"
    threading.Thread(target=_announce, args=(port, address, browser), daemon=True).start()
    app = Dashboards.instance(config=config)
    app.initialize([str(NOTEBOOK)])
    app.start()


def _announce(port: int, address: str, browser: bool) -> None:
    """Say the address once something answers there."""
    while not _taken(port):
        time.sleep(0.05)
    say(f"The dashboard is at {address}")
    say("It is served to this machine only. Stop it with Ctrl+C.")
    if browser:
        webbrowser.open(address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((HOST, port)) == 0
