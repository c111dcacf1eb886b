"""The page's modules and style sheet: served from memory, at a route of :mod:`widgets.routes`.

Their address holds a digest of them all, ``…/curator/static/DIGEST/gallery.js``, so that imports
between them stay within one version: a browser never mixes old and new, and may keep what it has.
The page learns that address from its configuration (``curatorStatic``), and asks for the modules
ahead of the kernel (``curatorModules``).
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from tornado.web import HTTPError, RequestHandler

STATIC = Path(__file__).parent / "static"
# In the order of the cascade.
STYLES = (
    "theme.css",
    "stations.css",
    "review.css",
    "data.css",
    "map.css",
    "picture.css",
    "use.css",
)
TYPES = {".js": "text/javascript", ".css": "text/css"}
KEPT_SECONDS = 365 * 24 * 3600  # what lies at an address never changes


@cache
def files() -> dict[str, bytes]:
    """What is served, by file name: these and no others."""
    found = sorted(path for path in STATIC.iterdir() if path.suffix in TYPES)
    return {path.name: path.read_bytes() for path in found}


@cache
def version() -> str:
    """16 hexadecimal digits that differ whenever a name or a content does."""
    whole = hashlib.sha256()
    for name, content in files().items():
        whole.update(f"{name} {len(content)}\n".encode() + content)
    return whole.hexdigest()[:16]


def told_to_page(page_config: dict[str, Any], *, base_url: str, **_: Any) -> dict[str, Any]:
    """The page's configuration with the address of the files: a hook of Voila's."""
    return {
        **page_config,
        "curatorStatic": f"{base_url}curator/static/{version()}/",
        "curatorStyles": list(STYLES),
        "curatorModules": [name for name in files() if name.endswith(".js") and _is_first(name)],
    }


def _is_first(name: str) -> bool:
    """Whether the page needs a module from the start: the map is loaded when its tab is opened."""
    return name == "map.js" or not name.startswith("map_")


class PageFile(RequestHandler):
    """Gives one file of the present version."""

    def get(self, name: str) -> None:
        """Answer with the file; 404 for another name."""
        content = files().get(name)
        if content is None:
            raise HTTPError(404)
        self.set_header("Cache-Control", f"private, max-age={KEPT_SECONDS}, immutable")
        self.set_header("Content-Type", f"{TYPES[Path(name).suffix]}; charset=utf-8")
        self.finish(content)

    head = get
