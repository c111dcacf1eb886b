"""Turn lists of image addresses into a clean, labelled data set and a classifier.

The public API is what ``__all__`` names; everything else may change.
"""

import sys

# Started with ``-m``, Python looks for modules first where the user stands: a folder of images that
# came from elsewhere may hold a `requests.py`. That entry goes before anything else is imported (a
# `from __future__` above would be looked for there, too), unless this package itself lies there.
# Whoever imports the curator from a program of their own keeps the path as it is.
if (
    sys.argv[:1] == ["-m"]
    and not sys.flags.safe_path
    and sys.orig_argv[-len(sys.argv)].removeprefix("-m").partition(".")[0] == __name__
    and sys.path[0] != __path__[0][: -len(__name__) - 1]
):
    del sys.path[0]

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
