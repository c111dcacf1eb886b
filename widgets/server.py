"""Serving the dashboard: Voila on this machine only, behind a token, with no file by path."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from curator.errors import InputError, UnsafeServer
from widgets.folders import LOCAL

if TYPE_CHECKING:
    import socket

Say = Callable[[str], None]

HOST = "127.0.0.1"
PORT = 8347  # no well-known service has it, and no system gives it out by itself
TRIES = 20  # ports from it on that are tried before any will do
TAKEN = {errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE)}
KEPT_BACK = {errno.EACCES, getattr(errno, "WSAEACCES", errno.EACCES)}  # as Windows does with some
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PAGE, CLASSIFY = NOTEBOOKS / "curator.ipynb", NOTEBOOKS / "classify.ipynb"


def serve(
    project: Path | None,
    port: int | None = None,
    browser: bool = True,
    host: str = HOST,
    *,
    model: Path | None = None,
    say: Say = print,
    warn: Say = print,
) -> None:
    """Serve until interrupted; ``say`` the address with its token, and open it in a browser.

    ``model``: the folder of one that pictures are tried on, instead of the whole dashboard.

    ``port`` None takes :data:`PORT`, or the next one that is free; 0 takes any. ``host``: the
    address to listen on; ``warn`` is told of another than 127.0.0.1. Raises InputError when it
    cannot be listened on, UnsafeServer when what is about to listen is not what was asked for.
    """
    host = HOST if host == "localhost" else host
    os.environ.pop("CURATOR_PROJECT", None)
    os.environ.pop(LOCAL, None)
    if host in {HOST, "::1"}:
        os.environ[LOCAL] = "1"
    os.environ.pop("CURATOR_MODEL", None)
    if model is not None:
        os.environ["CURATOR_MODEL"] = str(model.expanduser().resolve())
    if project is not None:
        os.environ["CURATOR_PROJECT"] = str(project.expanduser().resolve())
    # Readable by this user alone: connection files of kernels, and the file that opens the browser.
    with tempfile.TemporaryDirectory(prefix="curator-", ignore_cleanup_errors=True) as name:
        notebook = PAGE if model is None else CLASSIFY
        _serve(Path(name), notebook, host, port, browser, say, warn)


def _serve(
    private: Path, notebook: Path, host: str, asked: int | None, browser: bool, say: Say, warn: Say
) -> None:
    from widgets.isolation import isolate

    folders = isolate(private)

    import zmq

    # A grammar of international addresses, which takes a second to read: Voila's libraries load it
    # where it is installed, for a check that nothing here asks for.
    cast("dict[str, Any]", sys.modules).setdefault("rfc3987_syntax", None)

    from widgets.gate import Keys
    from widgets.opening import open_browser
    from widgets.voila_app import Dashboards

    if not zmq.has("curve"):
        raise UnsafeServer(
            "The installed pyzmq cannot encrypt, so other users of this machine could read along.",
            "Install pyzmq from the package index: `pip install --force-reinstall pyzmq`.",
        )
    keys = Keys()
    sockets = _bind(host, asked)
    port = sockets[0].getsockname()[1]
    try:
        app = Dashboards.instance(config=_settings(keys, host, port))
        app.prepare(keys, folders, private)
        app.initialize([str(notebook)])
        app.check(host, port)
    except BaseException:
        for each in sockets:
            each.close()
        raise

    def ready() -> None:
        shown = {"0.0.0.0": HOST, "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
        address = f"http://{shown}:{port}/?token={keys.token}"
        if asked is None and port != PORT:
            say(f"Port {PORT} is taken, so this one has port {port}.")
        say(f"The dashboard is at {address}")
        if host in {HOST, "::1"}:
            say("It is served to this machine only. Stop it with Ctrl+C.")
        else:
            warn(
                f"It listens on {host}: other machines can reach it, and nothing that passes is "
                "encrypted. Who reads along or is given the address with its token can see and "
                "change the project. Stop it with Ctrl+C."
            )
        if browser:
            open_browser(address, private, app.entered)

    app.listen_on(sockets, ready)


def _settings(keys: Any, host: str, port: int) -> Any:
    from traitlets.config import Config

    from widgets import page_files
    from widgets.gate import Visitor
    from widgets.routes import EXTENSIONS
    from widgets.voila_app import OwnKernel

    config = Config()
    config.Voila.ip = host
    config.Voila.port = port
    config.Voila.base_url = keys.below
    config.Voila.open_browser = False
    config.Voila.token = keys.token
    config.Voila.identity_provider_class = Visitor
    config.Voila.log_level = "WARN"
    config.KernelManager.transport_encryption = "required"
    config.VoilaConfiguration.kernel_spec_manager_class = OwnKernel
    config.VoilaConfiguration.template = "curator"
    config.VoilaConfiguration.theme = "light"
    config.VoilaConfiguration.page_config_hook = page_files.told_to_page
    config.VoilaConfiguration.file_allowlist = []
    # Only what the page needs: other extensions of this installation would load and complain.
    config.VoilaConfiguration.extension_allowlist = list(EXTENSIONS)
    config.VoilaConfiguration.show_tracebacks = False
    config.VoilaConfiguration.allow_template_override = "NO"
    config.VoilaConfiguration.allow_theme_override = "NO"
    # Voila's sign of life while a kernel starts is an inline script, which the policy refuses.
    config.VoilaConfiguration.http_keep_alive_timeout = 3600
    # A kernel stands by with the notebook run, so that opening and reloading are immediate.
    config.VoilaConfiguration.preheat_kernel = True
    config.VoilaConfiguration.default_pool_size = 1
    return config


def _bind(host: str, asked: int | None) -> list[socket.socket]:
    """Take the port, from now on ours. Raises InputError when that cannot be."""
    from tornado.netutil import bind_sockets

    for port in [asked] if asked is not None else range(PORT, PORT + TRIES):
        try:
            return bind_sockets(port, host)
        except OSError as error:
            if asked is None and error.errno in TAKEN | KEPT_BACK:
                continue
            if error.errno in TAKEN:
                raise InputError(
                    f"Port {port} on {host} is taken.", "Name another with --port, or leave it out."
                ) from error
            raise InputError(
                f"{host}, port {port}, cannot be listened on: {error.strerror or error}.",
                "Name an address of this machine with --host, or leave it out.",
            ) from error
    return _bind(host, 0)
