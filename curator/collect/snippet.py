"""The script that collects image addresses in the user's own browser; see ``snippet.js``.

The curator never asks a search engine for anything: the person does, and takes what the page shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

_SCRIPT = Path(__file__).with_name("snippet.js")
_COMMENT_LINE = re.compile(r"^\s*(?://.*|/\*\*.*\*/)\s*\n", re.MULTILINE)
_COMMENT_BLOCK = re.compile(r"^\s*/\*\*\n(?:\s*\*.*\n)*?\s*\*/\s*\n", re.MULTILINE)
_INDENT = re.compile(r"^\s+", re.MULTILINE)


def console_snippet() -> str:
    """The script to paste into a browser's console."""
    return _SCRIPT.read_text(encoding="utf-8")


def bookmarklet() -> str:
    """The same script as an address (``javascript:``) to keep among the bookmarks, on one line."""
    script = console_snippet()
    # Whole lines of comments and indents only: what stands within a line may be part of a string.
    for pattern in (_COMMENT_BLOCK, _COMMENT_LINE, _INDENT):
        script = pattern.sub("", script)
    return "javascript:" + quote(script.strip(), safe="~()*!.'-_,;:=/+&$@?")
