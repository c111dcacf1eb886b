"""Draw the floors of the code into `floors.svg`, from its imports: run it when they have changed.

Each box is a room, each row a floor. An arrow means "needs"; those that follow from others are left
out. Rows, rooms and arrows come from tests/test_architecture.py, which holds the code to them.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests import floors  # noqa: E402  after the path is set
from tests.test_architecture import ARROWS, FLOORS  # noqa: E402

PICTURE = HERE / "floors.svg"
WIDTH, BOX, HEIGHT, STEP, GAP = 760, 104, 30, 62, 24  # all in pixels
STYLE = (
    "text{font:14px sans-serif;text-anchor:middle;fill:#1b2a33}"
    "rect{fill:#e3eef4;stroke:#4a7185}"
    "path{stroke:#7a919c;fill:none}"
)


def arrows() -> list[tuple[str, str]]:
    """(room, needed room) of every arrow that does not follow from others, in order."""
    needs: dict[str, set[str]] = {room: set() for floor in FLOORS for room in floor}
    for arrow in ARROWS:
        here, there = floors.room(arrow.source, "curator"), floors.room(arrow.target, "curator")
        if here != there:
            needs[here].add(there)
    reached: dict[str, set[str]] = {}
    for floor in FLOORS:  # from the ground up, so that what is below is known
        for room in floor:
            reached[room] = needs[room].union(*(reached[below] for below in needs[room]))
    return sorted(
        (room, below)
        for room in needs
        for below in needs[room]
        if not any(below in reached[other] for other in needs[room])
    )


def drawing() -> str:
    """The picture as SVG."""
    place: dict[str, tuple[float, float]] = {}
    for number, floor in enumerate(reversed(FLOORS)):
        rooms = sorted(floor)
        left = (WIDTH - len(rooms) * BOX - (len(rooms) - 1) * GAP) / 2
        for k, room in enumerate(rooms):
            place[room] = (left + k * (BOX + GAP), 10 + number * STEP)
    height = 20 + (len(FLOORS) - 1) * STEP + HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        "<title>The floors of the code: each room needs those below it</title>",
        f"<style>{STYLE}</style>",
        f'<rect x="0" y="0" width="{WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
    ]
    for room, below in arrows():
        (x, y), (x2, y2) = place[room], place[below]
        start, end, bend = (x + BOX / 2, y + HEIGHT), (x2 + BOX / 2, y2), (STEP - HEIGHT) / 2
        lines.append(
            f'<path d="M{start[0]:g} {start[1]:g}C{start[0]:g} {start[1] + bend:g} '
            f'{end[0]:g} {end[1] - bend:g} {end[0]:g} {end[1]:g}"/>'
        )
    for room, (x, y) in place.items():
        lines.append(f'<rect x="{x:g}" y="{y:g}" width="{BOX}" height="{HEIGHT}" rx="4"/>')
        name = escape(room)
        lines.append(f'<text x="{x + BOX / 2:g}" y="{y + HEIGHT / 2 + 5:g}">{name}</text>')
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    PICTURE.write_text(drawing(), encoding="utf-8")
