"""What the gallery says of what was done, and of an empty queue."""

from __future__ import annotations

from collections.abc import Collection

from curator.phrasing import many
from curator.review.queue.filters import Filters
from curator.review.queue.kinds import BY_COMPARISON, QUEUES
from curator.store.ledger import Decided
from curator.store.vocabulary import DONE

_ASK = {
    "concept": "Choose images in another queue, and press C to look for what they show.",
    "similar": "Choose images in another queue, and press L for more like them.",
    "words": "Say in words what to look for: Find…, in the list of queues.",
}


def decided(action: str, label: str | None, done: Decided) -> str:
    """After a decision."""
    if done.conflicts:
        return (
            f"{many(len(done.conflicts), 'image')} had been decided on elsewhere a moment ago and "
            "stayed as that made them: look again."
        )
    if not done.image_ids:
        return "That was so already."
    target = f" as {label}" if action == "relabel" else ""
    return f"{many(len(done.image_ids), 'image')} {DONE[action]}{target}. U takes it back."


def answered(shows: bool, image_ids: Collection[int], done: Decided) -> str:
    """After answers whether images show a concept."""
    if not done.batch:
        return "That was said already."
    verb = "shows it" if len(image_ids) == 1 else "show it"
    if not shows:
        verb = "does not show it" if len(image_ids) == 1 else "do not show it"
    return f"{many(len(image_ids), 'image')} {verb}. U takes it back."


def stepped(words: str, done: Decided, shown: Collection[int]) -> str:
    """After undo or redo; ``shown``: the images of the page."""
    elsewhere = done.image_ids and set(done.image_ids).isdisjoint(shown)
    what = done.what or f"a decision on {many(len(done.image_ids), 'image')}"
    return f"{words}: {what}{', on another page' if elsewhere else ''}."


def nothing(kind: str, filters: Filters) -> tuple[str, dict[str, str] | None]:
    """Of an empty queue, with the next step if there is one."""
    asked = QUEUES[kind].asks if kind in QUEUES else ""
    if asked and not getattr(filters, asked):
        return _ASK[kind], None
    if asked and filters == Filters(like=filters.like):
        return "Nothing is left in this queue.", None
    if filters != Filters():
        return "Nothing in this queue matches the filters.", None
    if kind == "suspicious":
        return "Nothing is left in this queue.", {"station": "use", "title": "Go on to Use"}
    if kind in QUEUES and QUEUES[kind].group == BY_COMPARISON:
        return "The last check found nothing here.", {"station": "check", "title": "Check"}
    return "This queue is empty.", None
