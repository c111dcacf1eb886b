"""Voila with two mends for pages that come and go: a kernel ends with its page, always.

At a reload the page asks for its kernel's end by a beacon, which cannot carry the header that
Voila's check for forged requests wants, so Voila refuses it; and a beacon may be lost. Kernels
would pile up, some 150 MB each.
"""

from __future__ import annotations

import time
from typing import Any

from jupyter_core.utils import ensure_async
from tornado.ioloop import PeriodicCallback
from voila.app import Voila
from voila.shutdown_kernel_handler import VoilaShutdownKernelHandler

LOOK_SECONDS = 10
LONELY_SECONDS = 90  # a kernel whose page is gone for so long is ended


class ShutdownHandler(VoilaShutdownKernelHandler):  # type: ignore[misc]
    """Takes the beacon. The kernel's id, which only its page knows, stands for the header."""

    def check_xsrf_cookie(self) -> None:
        """Nothing: see the class."""


class Dashboards(Voila):  # type: ignore[misc]
    """The server behind `curator dashboard`."""

    def init_handlers(self) -> list[Any]:
        """Voila's handlers with ours in the place of its own."""
        return [
            (entry[0], ShutdownHandler, *entry[2:])
            if entry[1] is VoilaShutdownKernelHandler
            else entry
            for entry in super().init_handlers()
        ]

    def start(self) -> None:
        """Serve until stopped, looking after lonely kernels meanwhile."""
        self._lonely_since: dict[str, float] = {}
        self._connected: set[str] = set()
        PeriodicCallback(self._end_lonely, LOOK_SECONDS * 1000).start()
        super().start()

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
