"""Opening the browser without telling the token to the whole machine.

A command line is readable by everybody (`ps`), so the browser is given a file that only this user
can read, and the file leads on. It is removed once the browser has arrived.
"""

from __future__ import annotations

import os
import threading
import webbrowser
from html import escape
from pathlib import Path

ARRIVE_SECONDS = 120.0


def open_browser(address: str, private: Path, entered: threading.Event) -> None:
    """Open ``address`` by a file in the folder ``private``, without waiting for the browser."""
    file = write_redirect(address, private)
    threading.Thread(target=_open, args=(file, entered), daemon=True).start()


def write_redirect(address: str, private: Path) -> Path:
    """Write the file that leads to ``address``; nobody else may read it (0600)."""
    file = private / "open.html"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(
            "<!DOCTYPE html><meta charset=utf-8><meta name=referrer content=no-referrer>"
            f'<meta http-equiv=refresh content="0;url={escape(address)}">'
            f'<title>curator</title><a href="{escape(address)}">Open the curator</a>'
        )
    return file


def _open(file: Path, entered: threading.Event) -> None:
    webbrowser.open(file.as_uri())
    entered.wait(ARRIVE_SECONDS)
    file.unlink(missing_ok=True)
