"""Who imports whom, drawn from the code of any tree of packages: arrows, rooms, floors, circles.

An arrow is an import of one module by another: at the top, inside a function, under TYPE_CHECKING,
or as a string that is exactly a module's dotted name, which is how jobs and lazy names are found.
"""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Arrow:
    """``source`` needs ``target``; both are names of modules of the tree."""

    source: str
    target: str
    line: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line} -> {self.target}"


def modules(root: Path, packages: Sequence[str]) -> dict[str, Path]:
    """Give the file of each module below ``root``, by its name; a package is its ``__init__``."""
    found = {}
    for package in packages:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@functools.cache
def _telling(path: Path) -> list[ast.Import | ast.ImportFrom | ast.Constant]:
    """Read a file once for all that is asked of it: its imports and its constants."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wanted = (ast.Import, ast.ImportFrom, ast.Constant)
    return [node for node in ast.walk(tree) if isinstance(node, wanted)]


def imports(path: Path) -> Iterator[tuple[int, str, str]]:
    """Give (line, module, name) of every import, wherever it stands; name "" for a whole module."""
    for node in _telling(path):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            assert node.module is not None
            for alias in node.names:
                yield node.lineno, node.module, alias.name


def arrows(tree: dict[str, Path]) -> list[Arrow]:
    """Draw every arrow between the modules of ``tree``."""
    found = set()
    for source, path in tree.items():
        for line, module, name in imports(path):
            whole = f"{module}.{name}"
            found.add((source, whole if whole in tree else module, line))
        for node in _telling(path):
            # A bare word, such as the name of the whole package, names nothing yet.
            if isinstance(node, ast.Constant) and "." in str(node.value):
                found.add((source, str(node.value), node.lineno))
    return [
        Arrow(source, target, line)
        for source, target, line in sorted(found)
        if target in tree and target != source
    ]


def room(module: str, core: str) -> str:
    """Give the room of a module: below the package ``core`` its second name, else its first."""
    names = module.split(".")
    return names[1] if names[0] == core and len(names) > 1 else names[0]


def upward(drawn: Iterable[Arrow], floors: Sequence[set[str]], core: str) -> list[str]:
    """Give the arrows that do not lead down, as text; those within one room are its own affair."""
    floor_of = {name: number for number, floor in enumerate(floors) for name in floor}
    wrong = []
    for arrow in drawn:
        here, there = room(arrow.source, core), room(arrow.target, core)
        if here != there and floor_of[here] <= floor_of[there]:
            wrong.append(str(arrow))
    return wrong


def circles(drawn: Iterable[Arrow]) -> list[list[str]]:
    """Give the sets of modules that need each other, by Tarjan's strongly connected components."""
    needs: dict[str, list[str]] = {}
    for arrow in drawn:
        needs.setdefault(arrow.source, []).append(arrow.target)
        needs.setdefault(arrow.target, [])
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        path.append(module)
        for other in needs[module]:
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            members = path[path.index(module) :]
            del path[path.index(module) :]
            if len(members) > 1:
                found.append(sorted(members))

    for module in needs:
        if module not in number:
            visit(module)
    return found
