"""Turn lists of image addresses into a clean, labelled data set and a classifier.

The public API is what ``__all__`` names; everything else may change.
"""

from curator.errors import CuratorError
from curator.project import Project

__all__ = ["CuratorError", "Project", "__version__"]
__version__ = "0.1.0"
