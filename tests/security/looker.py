"""Someone who may only look: uses the command line and the page on a project, prints what came.

``looker.py PROJECT SCRATCH [guest]``. SCRATCH holds a writable copy of the project: all is done on
it first, so that every module is loaded while files may be read. ``guest`` then gives up root.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from curator.cli import run
from widgets.app import Dashboard

READS = [
    ["status"],
    ["status", "--json"],
    ["rank", "--top", "3"],
    ["log"],
    ["confusion"],
    ["most-confused"],
    ["queue", "all", "--top", "3"],
    ["queue", "suspicious", "--top", "3"],
    ["queue", "duplicates", "--top", "3"],
    ["runs"],
    ["advice"],
    ["suggest"],
    ["tags"],
    ["classes"],
    ["review-log"],
    ["fetch", "--report"],
]
WRITES = [
    ["decide", "--keep", "1"],
    ["undo"],
    ["train"],
    ["check"],
    ["add", "--class", "3", "-"],
    ["new-class", "other"],
]


def command(project: str, words: list[str]) -> dict[str, Any]:
    """Run a command; give its exit status and what it said."""
    out, err = io.StringIO(), io.StringIO()
    sys.stdin = io.TextIOWrapper(io.BytesIO(b"https://example.org/1.jpg\n"))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([words[0], project, *words[1:]])
    return {"command": words, "status": status, "out": out.getvalue(), "err": err.getvalue()}


async def page(project: str) -> dict[str, Any]:
    """Open the page, look at an image, and try to decide and to train."""
    dashboard = Dashboard(project)
    gallery = dashboard.review.gallery
    for station in ("data", "collect", "check", "train", "use", "review"):
        dashboard.go(station)
        dashboard.following.look()
    gallery.show_queue("all")
    image = gallery._shown.ids[0] if gallery._shown else 0
    complaints = []
    for panel, message in [
        (gallery, {"do": "zoom", "id": image}),
        (gallery, {"do": "decide", "ids": [image], "action": "keep"}),
        (dashboard.train, {"do": "submit", "kind": "train", "arguments": {}}),
        (dashboard.check, {"do": "check"}),
    ]:
        dashboard.jobbar.refresh(None, "review")
        panel._received(panel, message, [])
        job = dashboard.jobbar.state["job"]
        complaints.append(job and job["text"])
    found = {
        "reading": dashboard.shell.state["reading"],
        "images": dashboard.shell.state["images"],
        "shown": len(gallery._shown.ids) if gallery._shown else 0,
        "errors": dashboard.start.state["errors"],
        "complaints": complaints,
    }
    dashboard.leave()
    return found


def everything(project: str) -> dict[str, Any]:
    """Do all of it."""
    done = [command(project, words) for words in [*READS, *WRITES]]
    return {"commands": done, "page": asyncio.run(page(project))}


def main() -> None:
    """Look at the scratch copy, then at the project."""
    project, scratch = sys.argv[1:3]
    # What a look needs, not what a job does: jobs are refused before they load anything.
    for words in READS:
        command(scratch, words)
    asyncio.run(page(scratch))
    if sys.argv[3:] == ["guest"] and os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    print(json.dumps(everything(project)))  # noqa: T201


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
