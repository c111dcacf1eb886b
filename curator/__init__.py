"""Turn lists of image addresses into a clean, labelled data set and a classifier.

The public API is what ``__all__`` names; everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.project import Project

__all__ = ["CuratorError", "Project", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import the project when it is asked for: processes that only verify do without pandas."""
    if name == "Project":
        from curator.project import Project

        return Project
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
