"""The station Check: what is wrong with the data before training."""

from __future__ import annotations

from typing import Any

from curator.check.findings import DISMISSABLE
from curator.check.report import report
from curator.errors import CuratorError, InputError
from curator.phrasing import capitalised, many
from curator.project import Project
from curator.review import duplicates
from curator.store import ledger_log, tags
from curator.store.ledger import Decided
from widgets.address import DUPLICATES, Address
from widgets.fixes import offered, said_of
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails

EXAMPLES = 6  # pictures of each problem
PAIRS = 12  # groups of near-duplicates on a page


class CheckPanel(Panel):
    """Shows the report, dismisses findings and makes fixes; checking goes to the worker."""

    _esm = script("check")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._pictures(anew=True),
            "dismiss": lambda message: self._dismiss(message, back=False),
            "bring_back": lambda message: self._dismiss(message, back=True),
            "apply": lambda message: self._apply(str(message["key"]), message["leave_out"]),
            "pairs": lambda message: self._open_pairs(message["first"]),
            "at": lambda message: self._look_at(int(message["group"])),
            "keep": self._keep,
            "keep_best": lambda _: self._keep_best(),
            "undo": lambda _: self._undo(),
        }
        super().__init__(
            {**handlers, **own},
            report=None,
            names=[],
            looks=[],
            fixes=[],
            dismissable=list(DISMISSABLE),
            said="",
            can_undo=False,
            errors={},
            busy=False,
            pairs=None,
        )
        self._project: Project | None = None
        self._sent = Thumbnails(self)
        self._own: set[int] = set()  # batches of what was done here
        self._groups: list[tuple[int, ...]] | None = None  # that are open side by side
        self._at: int | None = None  # the group of those that keys act on
        self._visit = (0, 0)  # how many addresses named a group, and which the last one named

    def refresh(self, project: Project, busy: bool, shown: bool) -> None:
        """Report on the data as it stands; with names and pictures while the panel is ``shown``."""
        if project is not self._project:
            self._own.clear()
            self._groups = self._at = None
            self.show(said="", can_undo=False, errors={}, pairs=None)
        self._project = project
        told = report(project)
        found: dict[str, Any] | None = told.to_dict() if told.images else None
        self.show(report=found, busy=busy)
        if not shown:
            return
        names = project.class_names()
        looks = [
            {"label": name, "tags": seen.to_dict("records")}
            for name, seen in tags.counts_by_label(project.database, names).items()
        ]
        self.show(names=names, looks=looks, fixes=offered(project), can_undo=self._can_undo())
        if self._groups is not None:
            self._show_pairs(self.state["pairs"]["first"])
        self._pictures()

    def _pictures(self, anew: bool = False) -> None:
        found = self.state["report"] or {}
        seen = [*found.get("problems", ()), *found.get("dismissed", ())]
        examples = [i for item in seen for i in item["images"][:EXAMPLES]]
        previews = [tile["id"] for fix in self.state["fixes"] for tile in fix["preview"]]
        groups = self.state["pairs"]["groups"] if self.state["pairs"] else ()
        pairs = [image["id"] for group in groups for image in group["images"]]
        self._sent.send(self._project, dict.fromkeys(examples + previews + pairs), anew)

    @property
    def problems(self) -> int:
        """Kinds of things to look at, 0 before there is anything to check."""
        found = self.state["report"]
        return 0 if found is None else len(found["problems"])

    def _dismiss(self, message: dict[str, Any], back: bool) -> None:
        assert self._project is not None
        act = self._project.bring_back if back else self._project.dismiss
        ids = [int(i) for i in message.get("images", ())]
        done = act(str(message["finding"]), ids, label=message.get("label"))
        what = f"{capitalised(done.what)}." if done.batch else ""
        self._did(done, what)

    def _apply(self, key: str, leave_out: list[int]) -> None:
        assert self._project is not None
        try:
            done = self._project.apply_suggestion(key, leave_out=[int(i) for i in leave_out])
        except CuratorError as error:
            self.show(errors={key: str(error)}, said="")
            return
        self._did(done, said_of(done, ""))

    def _open_pairs(self, first: int | None) -> None:
        """Show groups of near-duplicates side by side from that one on; None: the findings."""
        assert self._project is not None
        if first is None:
            self._groups = self._at = None
            self.show(pairs=None, said="")
        else:
            if self._groups is None:
                self._groups = duplicates.groups(self._project)
                self.show(said="")
            self._show_pairs(int(first))
            self._pictures()
        self._handlers["looked"]({})

    def _look_at(self, group: int) -> None:
        """Note which group the keys act on, for the address."""
        if self._groups is not None:
            self._at = group
            self._handlers["looked"]({})

    def address(self) -> Address:
        """Where it is; the caller adds project and station."""
        return Address() if self._groups is None else Address(tab=DUPLICATES, group=self._at)

    def visit(self, address: Address) -> None:
        """Show the findings, or the group of an address side by side with the others.

        Raises InputError, with the first groups shown, for a group that is not there any more.
        """
        if address.tab != DUPLICATES:
            if self._groups is not None:
                self._open_pairs(None)
            return
        if address.group is None or (self._groups is not None and address.group == self._at):
            self._open_pairs(0 if self._groups is None else self.state["pairs"]["first"])
            return
        assert self._project is not None
        ids = duplicates.members(self._project, address.group)
        groups = self._groups
        if groups is None:
            groups = duplicates.groups(self._project)
        place = next((n for n, own in enumerate(groups) if not ids.isdisjoint(own)), None)
        if place is not None:
            self._at = address.group
            self._visit = self._visit[0] + 1, address.group
        self._open_pairs((place or 0) // PAIRS * PAIRS)
        if place is None:
            raise InputError(
                f"The group {address.group} of near-duplicates is not there any more.",
                "Its images were decided on, or are no duplicates.",
            )

    def _show_pairs(self, first: int) -> None:
        assert self._project is not None
        assert self._groups is not None
        start = max(0, min(first, len(self._groups) - 1))
        shown = duplicates.described(self._project, self._groups[start : start + PAIRS])
        self.show(
            pairs={
                "first": start,
                "total": len(self._groups),
                "page": PAIRS,
                "visit": self._visit,
                "spare": sum(
                    fix["images"]
                    for fix in self.state["fixes"]
                    if fix["key"] in duplicates.ONE_OF_EACH
                ),
                "groups": [group.to_dict() for group in shown],
            }
        )

    def _keep(self, message: dict[str, Any]) -> None:
        """Keep some images of a group as the page showed it."""
        assert self._project is not None
        ids = [int(i) for i in message["ids"]]
        seen = {int(i): decision for i, decision in message["seen"]}
        done = duplicates.keep(self._project, ids, seen=seen)
        if done.conflicts:
            said = "Somebody decided on this group in another window meanwhile."
        elif done.image_ids:
            said = said_of(done, "")
        else:
            said = f"Kept all {many(len(ids), 'image')}: no duplicates."
        self._show_pairs(self.state["pairs"]["first"])  # first: the page goes on to the next group
        self._did(done, said)

    def _keep_best(self) -> None:
        assert self._project is not None
        self._did(done := duplicates.keep_best(self._project), said_of(done, ""))

    def _undo(self) -> None:
        """Take back what was done here last, as long as nothing was done since."""
        assert self._project is not None
        if self._can_undo():
            (done,) = self._project.undo()
            self._did(Decided(0, ()), f"Took back: {done.what}.")

    def _did(self, done: Decided, said: str) -> None:
        self._own.add(done.batch)
        self.show(errors={}, said=said)
        self._handlers["decided"]({})
        self._handlers["changed"]({})

    def _can_undo(self) -> bool:
        if self._project is None:
            return False
        return ledger_log.steps(self._project.database).undoes in self._own
