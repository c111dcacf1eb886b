"""A review queue, a page at a time: opening, narrowing, turning, and being found again.

What a page shows travels in ``state``; thumbnails as binary buffers of one message, and with them
the next page, which the browser shows when its key is pressed, before the kernel answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from curator.collect.pictures import thumbnails_of
from curator.errors import CuratorError, InputError, NoRun
from curator.find import likeness
from curator.project import Project
from curator.review.counts import flagged
from curator.review.queue.filters import Choices, Filters, choices
from curator.review.queue.kinds import QUEUES, counts
from curator.review.status import next_step
from curator.store import ledger_log
from widgets import wording
from widgets.background import Counting
from widgets.page_shown import Shown
from widgets.panel import Handler, Panel
from widgets.queue_position import Pager, Sent

PAGE = 24  # images, until the browser says how many fill its window
NAMED = 0.1  # probability of a name of the pretrained network that counts, 0..1
ASKED = 6  # pictures shown of what a queue was asked with
# Queues whose sizes the list shows: of the others each holds every image.
COUNTED = (
    "label next",
    "duplicates",
    "two classes",
    "disputed",
    "problems",
    "unsure",
    "several",
    "none",
    "recent",
    "trash",
)


class Paging(Panel):
    """A queue of a project. The gallery adds the decisions."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._ready(),
            "turn": lambda message: self._answered(lambda: self._turn(int(message["by"]))),
            "open": lambda message: self._open(str(message["kind"]), str(message.get("like", ""))),
            "narrow": lambda message: self.show_queue(self.state["kind"], self._narrowed(message)),
            "resize": lambda message: self._resize(str(message["size"]), int(message["page"])),
            "choices": lambda _: self._offer(),
        }
        menu = [
            {"kind": kind, "title": queue.title, "group": queue.group}
            for kind, queue in QUEUES.items()
            if not queue.asks  # they are opened with what they ask for
        ]
        super().__init__(
            {**own, **handlers},
            kind="suspicious",
            title="",
            asked=[],
            queues=menu,
            counts={},
            filters=asdict(Filters()),
            choices=_lists(Choices()),
            classes=[],
            class_ids=[],
            size="M",
            page=PAGE,
            total=0,
            seen=0,
            offset=0,
            tiles=[],
            meaning="",
            empty="",
            step=None,
            status="",
            error=None,
            advice=None,
            expected="",
            audit=0,
            can_undo=False,
            can_redo=False,
            queue_number=0,
        )
        self.project: Project | None = None
        self._counting = Counting(
            lambda project: {"suspicious": flagged(project), **counts(project, COUNTED)},
            lambda found: self.show(counts=found),
            handlers.get("error", lambda _: None),
        )
        self.filters = Filters()
        self._pager = Pager(np.empty(0, dtype=np.int64), PAGE)
        self._choices = Choices()
        self._sent = Sent()
        self._shown: Shown | None = None
        self.enlarged: int | None = None
        """The image of this page that the browser shows enlarged."""
        self._ahead: Shown | None = None  # the next page, read while this one is looked at

    def show_queue(
        self,
        kind: str,
        filters: Filters | None = None,
        near: Sequence[int] = (),
        status: str = "",
    ) -> None:
        """Open a queue at the first of the images ``near`` that it holds, else at its start."""
        assert self.project is not None
        self._left(self._shown)
        self.filters = filters or Filters()
        error, empty = None, ""
        step: Mapping[str, object] | None = None
        ids = np.empty(0, dtype=np.int64)
        try:
            ids = self.project.queue(kind, self.filters).ids
        except NoRun as problem:
            empty = str(problem.problem)
            step = next_step(self.project.status()).to_dict()
        except CuratorError as problem:
            error = str(problem)
        if not len(ids) and not empty and not error:
            empty, step = wording.nothing(kind, self.filters)
        self._pager = Pager(ids, self.state["page"])
        self._pager.seek(near)
        label = self.filters.label or None
        self._page(
            kind=kind,
            **_called(kind, self.filters.like),
            filters=asdict(self.filters),
            choices=self._offered(label),
            **self._classes(),
            meaning=QUEUES[kind].meaning if kind in QUEUES else "",
            empty=empty,
            step=step,
            error=error,
            status=status,
            queue_number=self.state["queue_number"] + 1,
        )
        self._opened()
        self._handlers["moved"]({})

    def _opened(self) -> None:
        """Begin anew what belongs to the queue that was open before."""

    def count(self) -> None:
        """Count the queues if the store changed; of the suspicious those that are flagged."""
        self._counting.project = self.project
        self._counting.count()

    def rerank(self) -> None:
        """Put what was not seen into the order of the newest run; nothing on the page moves."""
        assert self.project is not None
        try:
            fresh = self.project.queue(self.state["kind"], self.filters).ids
        except CuratorError:
            return
        self._pager.rerank(fresh)
        self.show(total=len(self._pager))
        self._look_ahead(self.project.ranking_run())

    @property
    def ranked(self) -> bool:
        """Whether a run gave the scores that are shown."""
        return self._shown is not None and self._shown.run_id is not None

    def leave(self) -> None:
        """Let go of the project; what was done on the page goes into the review log."""
        self._left(self._shown)
        self.project = None
        self._shown = None

    def hand_over(self) -> None:
        """Somebody else decides from now on: what was done on the page so far goes into the log."""
        self._left(self._shown)
        self.refresh()

    def refresh(self, status: str | None = None, classes: bool = False) -> list[int]:
        """Show the page's images as they are now; return those that changed meanwhile.

        ``classes``: they may be others, too.
        """
        if self._shown is None or self.project is None:
            return []
        changes: dict[str, Any] = {} if status is None else {"status": status}
        if classes:
            changes |= self._classes()
        return self._show_tiles(**changes)

    def follow_classes(self) -> dict[str, str]:
        """Show the classes as they are called now; return what was renamed, new names by old."""
        before = dict(zip(self.state["class_ids"], self.state["classes"], strict=True))
        self.refresh(classes=True)
        now = zip(self.state["class_ids"], self.state["classes"], strict=True)
        renamed = {before[key]: name for key, name in now if before.get(key, name) != name}
        label, predicted = (
            renamed.get(name, name) for name in (self.filters.label, self.filters.predicted)
        )
        self.filters = replace(self.filters, label=label, predicted=predicted)
        self.show(filters=asdict(self.filters))
        return renamed

    def _classes(self) -> dict[str, Any]:
        """The classes by name, and the ids by which the page names them to us."""
        assert self.project is not None
        known = self.project.classes()
        return {"classes": [item.name for item in known], "class_ids": [item.id for item in known]}

    def place(self) -> dict[str, Any]:
        """Queue, filters, size and position, to be remembered."""
        near = [] if self._shown is None else self._shown.ids
        kept = {key: self.state[key] for key in ("kind", "filters", "size", "page")}
        return {**kept, "near": near}

    @property
    def first(self) -> int:
        """Place of the first image shown in its queue, from 1 on."""
        return self._pager.offset + 1

    def turn_to(self, first: int) -> None:
        """Show the page that begins with the image of that place; the last if there are fewer."""
        if first != self.first:
            self._pager.go(first)
            self._page()

    def bring(self, image_id: int) -> bool:
        """Show the page with that image; False when the queue does not hold it."""
        if self._shown is None or image_id not in self._shown.ids:
            place = np.flatnonzero(self._pager.ids == image_id)
            if not len(place):
                return False
            self.turn_to(int(place[0]) // self._pager.size * self._pager.size + 1)
        return True

    def restore(self, place: dict[str, Any]) -> None:
        """Open what :meth:`place` remembered; what it does not know is left as it begins."""
        names = {field.name for field in fields(Filters)}
        given = place.get("filters", {})
        filters = Filters(**{key: given[key] for key in names & given.keys()})
        self.show(size=place.get("size", "M"), page=int(place.get("page", PAGE)))
        kind = place.get("kind", "suspicious")
        self.show_queue(kind if kind in QUEUES else "suspicious", filters, place.get("near", ()))

    @property
    def _row_is_open(self) -> bool:
        """Whether the page shows the filters because one of them is set."""
        f = self.filters
        return bool(f.split or f.host or f.tag or f.text or f.issue or f.finding or f.concept)

    def _offer(self) -> None:
        """Count what the filters offer; only when they are looked at, since it reads all images."""
        assert self.project is not None
        self.show(choices=self._offered(self.filters.label or None, count=True))

    def _offered(self, label: str | None, count: bool = False) -> dict[str, list[list[Any]]]:
        """What the filters offer for a label: counted, or what is known of it without counting."""
        assert self.project is not None
        if count or self._row_is_open:
            self._choices = choices(self.project, label, self._choices)
        is_known = self._choices.counted[:2] == (self.project.path, label)
        return _lists(self._choices if is_known else Choices())

    def _open(self, kind: str, like: str) -> None:
        """Another queue with the filters that were set, but for what belongs to this one."""
        self.show_queue(kind, replace(self._outside_the_cell(), finding="", like=like))

    def _renamed(self, filters: Filters) -> None:
        """Call what is asked with by another name; the images stay as they are shown."""
        self.filters = filters
        self.show(filters=asdict(filters), **_called(self.state["kind"], filters.like))
        self._handlers["moved"]({})

    def _outside_the_cell(self) -> Filters:
        """The filters without the cell of the matrix, whose row is a class, too."""
        f = self.filters
        return replace(f, label="", predicted="") if f.predicted else f

    def _narrowed(self, message: dict[str, Any]) -> Filters:
        asked = message["filters"]
        left = asked.get("predicted") == ""
        changed = replace(self._outside_the_cell() if left else self.filters, **asked)
        return replace(changed, tag_probability=NAMED if changed.tag else 0.0)

    def _page(self, **changes: Any) -> None:
        """Read the present page and show it."""
        assert self.project is not None
        kind, ids = changes.get("kind", self.state["kind"]), self._pager.page()
        run_id = self.project.ranking_run()
        ready = self._ahead
        self._ahead = None
        if ready is None or not ready.fits(kind, ids, run_id):
            ready = Shown(self.project, kind, ids, run_id)
        self._shown = ready
        if self.enlarged not in ids:
            self.enlarged = None  # the browser asks for what it enlarges of this page
        self._show_tiles(offset=self._pager.offset, **changes)
        ready.open()
        self._look_ahead(run_id)

    def _look_ahead(self, run_id: int | None) -> None:
        """Send the next page, so that it is there when its key is pressed."""
        assert self.project is not None
        ids = self._pager.following()
        self._ahead = Shown(self.project, self.state["kind"], ids, run_id) if ids else None
        self._send_pictures()

    def _show_tiles(self, **changes: Any) -> list[int]:
        """Show the page as the ledger has it; return the images decided on since it last was."""
        assert self.project is not None
        assert self._shown is not None
        changed = self._shown.update()
        steps = ledger_log.steps(self.project.database)
        self.show(
            tiles=self._tiles(),
            expected=self._shown.expected(),
            total=len(self._pager),
            seen=self._pager.seen,
            can_undo=steps.can_undo,
            can_redo=steps.can_redo,
            **changes,
        )
        return changed

    def _tiles(self) -> list[dict[str, Any]]:
        """What is drawn of each image of the page, as JSON."""
        assert self._shown is not None
        return self._shown.tiles()

    def _ready(self) -> None:
        self._sent.forget()
        if self.project is not None:
            self._send_pictures()

    def _send_pictures(self) -> None:
        """Send the thumbnails of this page and the next that the browser does not hold yet."""
        assert self.project is not None
        shown: list[int | str] = [*self._pager.page(), *self._pager.following()]
        wanted = shown + self.state["asked"]
        fresh = self._sent.fresh(wanted)
        pictures = thumbnails_of(self.project, [key for key in fresh if isinstance(key, int)])
        found: dict[int | str, bytes] = dict(pictures.items())
        found.update(self.project.thumbnails.get([key for key in fresh if isinstance(key, str)]))
        message: dict[str, Any] = {"type": "pictures", "ids": list(found), "keep": wanted}
        if self._ahead is not None:
            offset = self._pager.offset + self._pager.size
            message["ahead"] = {
                "offset": offset,
                "tiles": self._ahead.tiles(),
                "expected": self._ahead.expected(),
            }
        self.send(message, buffers=list(found.values()))

    def _resize(self, size: str, page: int) -> None:
        self._pager.resize(page)
        self._page(size=size, page=self._pager.size)
        self._handlers["moved"]({})

    def _answered(self, work: Callable[[], None]) -> None:
        """Do ``work``, and tell the page, which may have turned already, that it is done."""
        try:
            work()
        finally:
            self.send({"type": "turned"})

    def _turn(self, by: int, said: str = "") -> None:
        """Turn the page, or say that there is none, after ``said``."""
        done = self._shown
        if self._pager.turn(by):
            self._page()
            self._handlers["moved"]({})
        elif by > 0:
            self._show_tiles(status=f"{said} That was the last page of this queue.".lstrip())
        self._left(done, forward=by > 0)

    def _left(self, page: Shown | None, forward: bool = False) -> None:
        """Note in the review log what a page was and became, if it was worked through."""
        decided = None if page is None else page.record(forward)
        if decided is not None:
            self._handlers["page"]({"decided": decided})


def _called(kind: str, like: str) -> dict[str, Any]:
    """The title of a queue, and the first of what it was asked with: ids, SHA-256 of pictures."""
    title = QUEUES[kind].title if kind in QUEUES else ""
    if kind in ("concept", "words"):
        told = "Concept" if kind == "concept" else "In words"
        return {"title": f"{told}: {like}" if like else title, "asked": []}
    try:
        ids, pictures = likeness.read(like) if like else ([], [])
    except InputError:
        ids, pictures = [], []  # the queue says why it holds nothing
    return {"title": title, "asked": [*ids, *pictures][:ASKED]}


def _lists(offered: Choices) -> dict[str, list[list[Any]]]:
    """The choices as JSON."""
    kinds = ("hosts", "tags", "issues")
    return {kind: [list(pair) for pair in getattr(offered, kind)] for kind in kinds}
