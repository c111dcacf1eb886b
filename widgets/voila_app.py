"""Voila behind the gate: only the routes of the table, no settings of anyone's, kernels that end.

At a reload the page asks for its kernel's end by a beacon, which may be lost. Kernels would pile
up, some 150 MB each.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_core.utils import ensure_async
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop, PeriodicCallback
from voila.app import Voila

from curator.errors import UnsafeServer
from widgets.gate import Gate, Keys
from widgets.routes import table

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

LOOK_SECONDS = 10
END_SECONDS = 5
LONELY_SECONDS = 90  # a kernel whose page is gone for so long is ended
MOST_BODY = 1 << 16  # bytes; the page sends nothing but the beacon by HTTP
LEAST_TOKEN = 22  # characters of 6 bits: 128 bits and more


class OwnKernel(KernelSpecManager):
    """The one kernel that there is, whatever kernels are installed or lie around."""

    def find_kernel_specs(self) -> dict[str, str]:
        """Give the name that the notebook asks for."""
        return {"python3": ""}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give how our kernel is started: this interpreter, this module, its messages encrypted.

        Another user of the machine can connect to the ports of a kernel, and would read along.
        """
        del kernel_name
        return KernelSpec(
            argv=[sys.executable, "-P", "-m", "widgets.kernel", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            metadata={"supported_encryption": "curve"},
        )

    def get_all_specs(self) -> dict[str, Any]:
        """Give it in the form that Voila asks for."""
        return {"python3": {"resource_dir": "", "spec": self.get_kernel_spec("python3").to_dict()}}


class Dashboards(Voila):  # type: ignore[misc]
    """The server behind `curator dashboard`."""

    def prepare(self, keys: Keys, folders: Sequence[Path], private: Path) -> None:
        """Take what :meth:`listen_on` needs; ``folders`` of :func:`widgets.isolation.isolate`."""
        self._keys, self._folders, self._private = keys, folders, private
        self.entered = threading.Event()

    def load_config_file(self, *_: Any, **__: Any) -> None:
        """Read none: Voila would run a `voila.py` of the current folder."""

    def check(self, host: str, port: int) -> None:
        """Look at what will be served, before anything listens.

        Raises UnsafeServer when address, path or token are not those that were asked for, or when
        something of the page would come from elsewhere than from the installation.
        """
        set_up = (self.ip, self.port, self.base_url, self.token)
        wanted = (host, port, self._keys.below, self._keys.token)
        names = ("address", "port", "path", "token")
        wrong = [name for name, is_, was in zip(names, set_up, wanted, strict=True) if is_ != was]
        if len(self._keys.token) < LEAST_TOKEN:
            wrong.append("token")
        foreign = [
            path
            for path in [*self.template_paths, *self.labextensions_path]
            if not any(Path(path).is_relative_to(folder) for folder in self._folders)
        ]
        if wrong or foreign:
            what = " and ".join(wrong) or f"the page's folder {foreign[0]}"
            raise UnsafeServer(
                f"The dashboard does not start: its {what} was changed by something else than this"
                " command.",
                "Start it as `curator dashboard` in a process of its own.",
            )

    def init_settings(self) -> dict[str, Any]:
        """Voila's settings; who asks is told by the gate."""
        settings: dict[str, Any] = super().init_settings()
        settings["allow_remote_access"] = True  # the gate has looked at the name
        settings["entered"] = self.entered
        return settings

    def init_handlers(self) -> list[Any]:
        """None: the gate is given the table."""
        return []

    def listen_on(self, sockets: list[socket.socket], ready: Callable[[], None]) -> None:
        """Serve until stopped, looking after lonely kernels meanwhile.

        ``ready`` is called once, when requests are taken.
        """
        self.connection_dir = str(self._private / "kernels")
        os.mkdir(self.connection_dir, 0o700)  # noqa: PTH102 -- with its mode at once
        page = {
            "notebook_path": os.path.relpath(self.notebook_path, self.root_dir),
            "template_paths": self.template_paths,
            "config": self.config,
            "voila_configuration": self.voila_configuration,
        }
        self.app = Gate(
            table(self._keys.below, self._folders, page),
            self._keys,
            self.ip,
            self.port,
            **self.init_settings(),
        )
        HTTPServer(self.app, max_body_size=MOST_BODY).add_sockets(sockets)
        self._lonely_since: dict[str, float] = {}
        self._connected: set[str] = set()
        PeriodicCallback(self._end_lonely, LOOK_SECONDS * 1000).start()
        self.ioloop = IOLoop.current()
        # By the loop, as an interrupt that is raised in whatever runs just then can be lost there.
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, self._asked_to_stop)
        ready()
        try:
            self.ioloop.start()
        finally:
            _end_kernels()

    def _asked_to_stop(self, number: int, _frame: object) -> None:
        """Stop serving; asked again, at once, without waiting for the kernels."""
        signal.signal(number, signal.SIG_DFL)
        self.ioloop.add_callback(self.ioloop.stop)

    async def _end_lonely(self) -> None:
        """End kernels that had a page and lost it; one that waits for its first page stays."""
        manager = self.kernel_manager
        for kernel_id in list(manager.list_kernel_ids()):
            if manager.kernel_model(kernel_id)["connections"]:
                self._connected.add(kernel_id)
                self._lonely_since.pop(kernel_id, None)
            elif kernel_id in self._connected:
                since = self._lonely_since.setdefault(kernel_id, time.monotonic())
                if time.monotonic() - since > LONELY_SECONDS:
                    self._connected.discard(kernel_id)
                    await ensure_async(manager.shutdown_kernel(kernel_id))


def _end_kernels() -> None:
    """End the kernels, which keep nothing of their own; what the worker does goes on.

    At once, and with the loop at a halt: one that starts meanwhile would make our private folder
    again after it was removed, open for all to look into.
    """
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            child.kill()
            child.wait(END_SECONDS)
