"""Work that code does, counted rather than timed: the same on every machine, however busy."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from types import FrameType, ModuleType
from typing import Any


class Counted:
    """A compiled pattern that counts the characters it passes on its way to what it finds.

    A search that finds nothing has passed all there was. What a pattern does within one match, and
    a ``match`` that fails, which may end at its first character, count as a single step.
    """

    def __init__(self, pattern: re.Pattern[Any], count: Callable[[int], None]) -> None:
        self._pattern = pattern
        self._count = count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pattern, name)

    def _passed(self, found: Any, text: Any, start: int, end: int | None) -> Any:
        until = len(text) if end is None else min(end, len(text))
        self._count(max(1, (found.end() if found else until) - start))
        return found

    def search(self, text: Any, start: int = 0, end: int | None = None) -> Any:
        """Count up to the end of what is found, or of the text."""
        found = self._pattern.search(text, start, len(text) if end is None else end)
        return self._passed(found, text, start, end)

    def fullmatch(self, text: Any, start: int = 0, end: int | None = None) -> Any:
        """Count the whole range."""
        found = self._pattern.fullmatch(text, start, len(text) if end is None else end)
        return self._passed(found, text, start, end)

    def match(self, text: Any, start: int = 0, end: int | None = None) -> Any:
        """Count what matched."""
        found = self._pattern.match(text, start, len(text) if end is None else end)
        self._count(max(1, found.end() - start) if found else 1)
        return found

    def finditer(self, text: Any, start: int = 0, end: int | None = None) -> Iterator[Any]:
        """Count from match to match, and to the end if that was looked at."""
        passed, until = start, len(text) if end is None else end
        for found in self._pattern.finditer(text, start, until):
            self._count(found.end() - passed + 1)
            passed = found.end()
            yield found
        self._count(max(0, until - passed))

    def _whole(self, name: str, text: Any, *arguments: Any, **named: Any) -> Any:
        self._count(len(text))
        return getattr(self._pattern, name)(*arguments, text, **named)

    def sub(self, replacement: Any, text: Any, count: int = 0) -> Any:
        """Count the text."""
        return self._whole("sub", text, replacement, count=count)

    def split(self, text: Any, maxsplit: int = 0) -> Any:
        """Count the text."""
        return self._whole("split", text, maxsplit=maxsplit)

    def findall(self, text: Any) -> Any:
        """Count the text."""
        return self._whole("findall", text)


class Work:
    """Lines run, functions called and characters that patterns passed, while :meth:`of` runs."""

    def __init__(self, setattr_of: Callable[[object, str, object], None], package: str) -> None:
        self._steps = 0
        for name, module in list(sys.modules.items()):
            if name.startswith(package) and isinstance(module, ModuleType):
                for key, value in list(vars(module).items()):
                    setattr_of(module, key, self._counted(value))

    def _counted(self, value: Any) -> Any:
        if isinstance(value, re.Pattern):
            return Counted(value, self._add)
        if isinstance(value, dict) and any(isinstance(v, re.Pattern) for v in value.values()):
            return {key: self._counted(item) for key, item in value.items()}
        return value

    def _add(self, number: int) -> None:
        self._steps += number

    def of(self, work: Callable[[], object]) -> int:
        """Do it, and give the number of steps."""

        def traced(_frame: FrameType, event: str, _argument: object) -> Any:
            self._steps += event == "line"
            return traced

        def profiled(_frame: FrameType, event: str, _argument: object) -> None:
            self._steps += event == "c_call"

        self._steps = 0
        before = sys.gettrace(), sys.getprofile()
        sys.settrace(traced)
        sys.setprofile(profiled)
        try:
            work()
        finally:
            sys.settrace(before[0])
            sys.setprofile(before[1])
        return self._steps
