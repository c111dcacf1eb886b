"""pandas, loaded when a table is first asked for: most commands, and the page, begin without one.

It costs as long to load as all of this project together.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    __all__ = ["pd"]
else:

    class _Pandas:
        """Stands for the module until something of it is asked for."""

        def __getattr__(self, name: str) -> Any:
            return getattr(importlib.import_module("pandas"), name)

    pd = _Pandas()
