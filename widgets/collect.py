"""The station Collect: lists and files in, images out, and what failed.

Nothing is added before the page has shown what it would do; files that are dropped are received by
:mod:`curator.collect.imports.uploads` and taken in by the worker.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

import traitlets

from curator.collect.adding import Added
from curator.collect.failures import addresses, by_class, report
from curator.collect.imports.uploads import Upload, interrupted
from curator.collect.pictures import newest_by_class
from curator.collect.snippet import bookmarklet, console_snippet
from curator.errors import CuratorError, InputError
from curator.project import Project
from curator.review.status import Status
from curator.store import jobs
from curator.store.class_names import NO_LABEL
from curator.store.ledger_log import steps_of_import
from widgets.address_drafts import Drafts, added_or_not, previewed, refusals
from widgets.background import beside
from widgets.import_offers import Offers
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails
from widgets.upload_receiver import Receiver

STRIP, STRIPS = 6, 8  # newest pictures of a class, and classes that show theirs
LOOK_SECONDS = 3.0  # between two looks whether another page's upload has ended


class CollectPanel(Panel):
    """Adds classes and addresses, receives files; fetching and importing go to the worker."""

    _esm = script("collect")

    snippet = traitlets.Dict().tag(sync=True)  # apart from the state: it is long and stays

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._receiver = Receiver(self, self._take_in)
        self._offers = Offers(self, self._submit_import, handlers["error"])
        own: dict[str, Handler] = {
            "ready": lambda _: self._shown(),
            "choose": lambda message: self._choose(message["name"]),
            "private": lambda message: self.show(allow_private=bool(message["value"])),
            "by_folder": lambda message: self.show(by_folder=bool(message["value"])),
            "add_class": self._add_class,
            "draft": self._receive_text,
            "add": self._add,
            "discard": lambda _: self._discard(),
            "upload": self._receiver.begin,
            "chunk": self._receiver.take,
            "upload_cancel": lambda message: self._receiver.end(message.get("problem")),
            "copy": self._copy,
            "again": self._again,
            "fetch": lambda message: self._fetch(message["retry"]),
            "import": self._import,
            "take_in": lambda message: self._offers.take(str(message["key"])),
            "add_lists": lambda message: self._offers.add_lists(str(message["key"])),
            "leave_it": lambda message: self._offers.leave(str(message["key"])),
            "undo_import": lambda message: self._step("undo_import", message),
            "redo_import": lambda message: self._step("redo_import", message),
            "dismiss": lambda _: self.show(notices=[]),
        }
        super().__init__(
            {**handlers, **own},
            names=[],
            classes=[],
            chosen=None,
            added=None,
            added_number=0,
            previews=[],
            previewing=False,
            adding=False,
            upload=None,
            notices=[],
            more_of=None,
            offers=[],
            undo_import=0,
            redo_import=0,
            taken=None,
            addresses={"pending": 0},
            failures=[],
            errors={},
            busy=False,
            fetching=False,
            allow_private=False,
            by_folder=False,
        )
        self.snippet = {"console": console_snippet(), "bookmarklet": bookmarklet()}
        self.project: Project | None = None
        self._ids: dict[str, int] = {}  # of the classes by the names that are shown
        self._drafts = Drafts()
        self._sent = Thumbnails(self)
        self._is_shown = False

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Show the project's classes and what became of its addresses."""
        is_other = self.project is None or self.project.path != project.path
        if is_other:
            self.leave()
        self.project = project
        chosen = self._present(self.state["chosen"])
        sources = by_class(project)
        self._ids = {item.name: item.id for item in sources if item.name != NO_LABEL}
        names = list(self._ids)
        known = chosen in names or chosen == NO_LABEL
        chosen = chosen if known else (names[0] if names else None)
        numbers = {**status.classes, NO_LABEL: status.unlabelled}
        stripped = [item.id for item in sources[:STRIPS]]
        stripped += [item.id for item in sources[STRIPS:] if item.name == chosen]
        newest = newest_by_class(project, stripped, STRIP)
        self.show(
            names=names,
            classes=[
                {
                    "name": item.name,
                    "images": numbers.get(item.name, 0),
                    "pending": item.pending,
                    "failed": item.failed,
                    "newest": newest.get(item.id, []),
                }
                for item in sources
            ],
            chosen=chosen,
            addresses=asdict(status.addresses),
            failures=[group.to_dict() for group in report(project)],
            taken=_refused_by_import(project),
            more_of=_more_of(project),
            busy=busy,
            fetching=_is_fetching(project),
            **steps(project),
        )
        self._pictures()
        if is_other and self._is_shown:
            self._look()

    def _pictures(self, anew: bool = False) -> None:
        shown = (image for item in self.state["classes"] for image in item["newest"])
        self._sent.send(self.project, shown, anew)

    def _present(self, name: str | None) -> str | None:
        """What the class that is shown by that name is called now: another window may rename it."""
        if self.project is None or name not in self._ids:
            return name
        return self.project.class_called(self._ids[name])

    def leave(self) -> None:
        """Let go of the project: what is on its way in is dropped."""
        self._drafts.clear()
        self._receiver.end()
        self._offers.clear()
        self.project = None
        self._ids = {}
        # What one project was allowed, the next one, perhaps from elsewhere, is not.
        self.show(
            added=None,
            previews=[],
            notices=[],
            errors={},
            upload=None,
            allow_private=False,
            by_folder=False,
            chosen=None,
        )

    def fail(self, where: str, error: CuratorError) -> None:
        """Show an error beside its cause."""
        self.show(errors={where: str(error)})

    def _shown(self) -> None:
        """A page shows this panel: say what an earlier one left unfinished."""
        self._is_shown = True
        self._pictures(anew=True)
        if self.project is not None:
            self._look()

    def _look(self) -> None:
        """Remove what pages that are gone left half-done; a kernel may outlive its page a while."""
        if self.project is None:
            return
        notices, others = interrupted(self.project)
        if notices:
            self.show(notices=[*self.state["notices"], *notices])
        if others:
            asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    # Classes and addresses

    def _choose(self, name: str) -> None:
        self.show(chosen=name, added=None, errors={})
        self._preview()

    def _add_class(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        try:
            self.project.add_class(message["name"])
        except CuratorError as error:
            self.fail("class", error)
            return
        self.show(errors={}, chosen=str(message["name"]).strip(), added=None)
        self._handlers["changed"](message)
        self._preview()

    def _receive_text(self, message: dict[str, Any]) -> None:
        whole = self._drafts.receive(message["text"], message["first"], message["last"])
        if whole:
            self._preview()

    def _preview(self) -> None:
        """Show what adding would do; the answer to an older text is dropped."""
        project, chosen, number = self.project, self.state["chosen"], self._drafts.number
        parts = self._drafts.parts()
        if project is None or chosen is None or not parts:
            self.show(previews=[], previewing=False)
            return
        self.show(previewing=True)

        def then(previews: list[dict[str, Any]]) -> None:
            if (number, chosen) == (self._drafts.number, self.state["chosen"]):
                self.show(previews=previews, previewing=False)

        def work() -> list[dict[str, Any]]:
            return [previewed(project, chosen, part) for part in parts]

        beside(work, then, self._complain)

    def add_pasted(self, addresses: str) -> None:
        """Add what was pasted elsewhere to the class that is chosen, as if pasted here."""
        self._add({"name": self.state["chosen"], "text": addresses})

    def _add(self, message: dict[str, Any]) -> None:
        """Add what was previewed to a class; ``fetch``: and fetch it."""
        assert self.project is not None
        project, name = self.project, str(self._present(str(message["name"])))
        if "text" in message:
            self._drafts.receive(message["text"], first=True, last=True)
        parts = self._drafts.parts() or [""]
        self.show(adding=True, errors={})

        def then(answers: list[Added | CuratorError]) -> None:
            added = [answer for answer in answers if not isinstance(answer, CuratorError)]
            problems = " ".join(str(answer) for answer in answers if answer not in added)
            if not added:
                self.show(adding=False, errors={"add": problems})
                return
            self._drafts.clear()
            self.show(
                errors={"add": problems} if problems else {},
                adding=False,
                added_number=self.state["added_number"] + 1,
                previews=[],
                previewing=False,
            )
            self.show_added(added)
            if message.get("fetch") and not _is_fetching(project):  # it takes these in as well
                self._fetch("passing")

        def fail(problem: dict[str, Any]) -> None:
            self.show(adding=False, errors={"add": problem["text"]})

        def work() -> list[Added | CuratorError]:
            return [added_or_not(project, name, part) for part in parts]

        beside(work, then, fail)

    def show_added(self, added: list[Added]) -> None:
        """Show what lists of addresses gave."""
        told = {
            "sentence": " ".join(answer.sentence for answer in added),
            "refused": [row for answer in added for row in refusals(answer.refused)],
            "refusals": sum(len(answer.refused) for answer in added),
        }
        self.show(added=told)
        self._handlers["changed"]({})

    def _discard(self) -> None:
        self._drafts.clear()
        self.show(previews=[], errors={}, added_number=self.state["added_number"] + 1)

    # Files

    def _take_in(self, upload: Upload, by_folder: bool, label: str | None) -> None:
        """All of an upload has come: images go to the worker, lists are previewed."""
        images, lists = upload.finish()
        if images:
            upload.hold()
            self._offers.dropped(upload, None if by_folder else label)
        if lists:
            self._drafts.hold(upload, lists)
            self._preview()
        else:
            upload.discard()

    def _submit_import(self, arguments: dict[str, Any]) -> None:
        self._handlers["submit"]({"kind": "import", "arguments": arguments})

    def _step(self, step: str, message: dict[str, Any]) -> None:
        """Take back the import that was the last act, or do it again."""
        assert self.project is not None
        if not steps(self.project)[step]:
            raise InputError("Something else was done since.", "Undo and redo it in Review.")
        is_undo = step == "undo_import"
        done = (self.project.undo if is_undo else self.project.redo)()[0]
        said = f"{'Took back' if is_undo else 'Did again'}: {done.what}."
        self.show(notices=[said], taken=None)
        self._handlers["decided"]({"batch": done.batch})
        self._handlers["changed"](message)

    # Failures, and work for the worker

    def _copy(self, message: dict[str, Any]) -> None:
        assert self.project is not None
        found = addresses(self.project, message["code"])
        self.send({"type": "copy", "code": message["code"], "text": "\n".join(found)})

    def _again(self, message: dict[str, Any]) -> None:
        """Try one group again, with the permission that it takes."""
        group = next(item for item in self.state["failures"] if item["code"] == message["code"])
        self._fetch(group["retry"], group["allow"])

    def _fetch(self, retry: str, allow: str = "") -> None:
        settings: dict[str, Any] = {
            "allow_private": self.state["allow_private"] or allow == "allow_private"
        }
        if allow == "ignore_robots":
            settings["respect_robots"] = False
        arguments = {"retry": retry, "settings": settings}
        self._handlers["submit"]({"kind": "fetch", "arguments": arguments})

    def _import(self, message: dict[str, Any]) -> None:
        values = {
            key: str(message.get(key) or "").strip() or None for key in ("labels", "label_regex")
        }
        self.show(errors={})
        self._offers.folder(str(message["folder"]).strip(), **values)

    def _complain(self, message: dict[str, Any]) -> None:
        self.show(previewing=False)
        self._handlers["error"](message)


def _more_of(project: Project) -> dict[str, Any] | None:
    """The class of which more images would help most, by the newest learning curve, if any."""
    job = jobs.latest(project.database, (jobs.DONE,), "learning-curve")
    found = ((job.result or {}).get("more_of") if job else None) or [None]
    return found[0] if isinstance(found, list) and isinstance(found[0], dict) else None


def _is_fetching(project: Project) -> bool:
    job = jobs.latest(project.database, (jobs.RUNNING,))
    return job is not None and job.kind == "fetch"


def steps(project: Project) -> dict[str, int]:
    """Images of the import that undo would take back next, and that redo would bring back."""
    undone, redone = steps_of_import(project.database)
    return {"undo_import": undone, "redo_import": redone}


def _refused_by_import(project: Project) -> dict[str, Any] | None:
    """What the newest job, if it was an import, did not take."""
    job = jobs.latest(project.database)
    if job is None or job.kind != "import" or not (job.result or {}).get("refused"):
        return None
    return {key: (job.result or {})[key] for key in ("refused", "refusals")}
