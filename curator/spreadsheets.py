"""CSV that no spreadsheet runs.

A cell that begins with ``=``, ``+``, ``-`` or ``@`` is a formula to a spreadsheet, whoever wrote
it: the name of a file, an address, a class. Every CSV of ours is written by :func:`csv_text`, which
puts a ``'`` before such a text, as OWASP advises ("CSV Injection"), and read again through
:func:`plain`, which takes it off. Numbers, and texts that are plain numbers, stay as they are.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_MARK = "'"
# Blanks and quotes before it do not stop every spreadsheet; some take the wide forms, too. What
# begins with the mark and is a formula behind it counts as well, or it could not be told apart.
_FORMULA = re.compile(r"[\s'\"]*[=+\-@\uff1d\uff0b\uff0d\uff20]|'*[\t\r\n]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


def harmless(text: str) -> str:
    """A text as it is written in a cell: what a spreadsheet might run gets a ``'`` before it."""
    return _MARK + text if _is_formula(text) else text


def plain(text: str) -> str:
    """A text as it was before :func:`harmless`; ``plain(harmless(text)) == text``, always."""
    rest = text.removeprefix(_MARK)
    return rest if rest != text and _is_formula(rest) else text


def csv_text(table: pd.DataFrame, shown: Callable[[str], str] = str) -> str:
    """``table`` as CSV without its index, in lines that end in LF; all texts are harmless.

    ``shown``: what is made of each text before. Missing values are empty cells.
    """
    said = io.StringIO(newline="")

    class Lines:
        """Python quotes only the line breaks that it ends rows with: both, and one is taken off."""

        def write(self, row: str) -> None:
            said.write(row.removesuffix("\r\n") + "\n")

    def cell(value: Any) -> Any:
        return harmless(shown(value)) if isinstance(value, str) else value

    writer = csv.writer(Lines(), lineterminator="\r\n")
    writer.writerow(map(cell, table.columns))
    whole = table.astype(object).where(table.notna(), None)
    for row in whole.itertuples(index=False, name=None):
        writer.writerow(map(cell, row))
    return said.getvalue()


def _is_formula(text: str) -> bool:
    return _FORMULA.match(text) is not None and _NUMBER.fullmatch(text) is None
