"""The station Use: the data set in the forms of the field, its versions, and the model.

What would be written is counted beside the page's loop and shown before it is; the writing goes to
the worker.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from curator.deliver.formats import FORMATS
from curator.errors import CuratorError, UnknownVersion
from curator.files import refuse_occupied
from curator.find import selections
from curator.platform import file_manager, shell_command
from curator.project import Project
from curator.review.queue.filters import Filters
from curator.review.status import Status
from curator.store import judgements
from curator.store.jobs import Job
from curator.store.workspace import USUAL_TEST_SHARE
from widgets import folders
from widgets.address import Address
from widgets.background import Counting, beside
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails

if TYPE_CHECKING:
    from curator.check.held_out import HeldOut
    from curator.deliver.dataset import VersionDiff
    from curator.deliver.formats import FormatName
    from curator.deliver.preview import ExportPreview

KINDS = {"export": "curated", "export_model": "model"}  # what is written, and its folder's ending
CHANGES = ("added", "deleted", "relabelled", "split")
SHOWN = 24  # pictures of each kind of change


class UsePanel(Panel):
    """``handlers``: go, submit, changed, moved, error."""

    _esm = script("use")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "ready": lambda _: self._pictures(anew=True),
            "where": self._show_where,
            "choose": self._choose,
            "export": self._export,
            "export_model": self._export_model,
            "evaluate": self._evaluate,
            "draw_test": lambda message: self._draw_test(float(message["share"])),
            "open_folder": lambda message: self._open_folder(str(message["kind"])),
            "tag": self._tag,
            "compare": self._compare,
        }
        super().__init__(
            {**handlers, **own},
            total=0,
            plan=None,
            formats=["imagefolder"],
            link=False,
            version="",
            selection="",
            versions=[],
            names=[],
            run=None,
            tested=None,
            held_out=None,
            stale=0,
            folder="",
            model_folder="",
            where={},
            commands={},
            written={},
            can_open=False,
            bundle=None,
            predict="",
            errors={},
            diff=None,
            comparing=False,
            busy=False,
            job=None,
            can_write=True,
        )
        self._project: Project | None = None
        self._run: int | None = None  # what the page names as the model to be written
        self._typed: dict[str, str] = {}  # absolute folders that stand in the forms, by kind
        self._refused: dict[str, str] = {}  # what a form was answered, by kind
        self._sent = Thumbnails(self)
        self._counting = Counting(self._planned, self._show_plan, handlers["error"])

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Plan the export of the images as they are now."""
        other = project is not self._project
        if other:
            self.leave()
            self._project = self._counting.project = project
        free_ones = {kind: str(folders.free(project, ending)) for kind, ending in KINDS.items()}
        if (free_ones["export"], free_ones["export_model"]) != (
            self.state["folder"],
            self.state["model_folder"],
        ):
            self._typed = {}  # the forms begin anew
        written = {kind: path for kind in KINDS if (path := folders.last_written(project, kind))}
        model = written.get("export_model", "")
        self._run = status.run.run if status.run else None
        failed = {kind: said for kind in KINDS if (said := folders.failure(project, kind))}
        self.show(
            total=status.images,
            versions=[item.to_dict() for item in reversed(project.versions())],
            names=project.class_names(),
            run=status.run.to_dict() if status.run else None,
            tested=judged_on_test(project, self._run),
            stale=status.stale,
            folder=free_ones["export"],
            model_folder=free_ones["export_model"],
            where={**free_ones, **self._typed},
            written=written,
            can_open=folders.can_open(),
            bundle=folders.held(model),
            predict=shell_command("curator", "predict", model, "IMAGE") if model else "",
            errors={**failed, **self._refused},
            busy=busy,
            can_write=project.read_only is None,
        )
        self._show_commands()
        if status.images:
            self._counting.count(anew=other)
        else:
            self.show(plan=None)

    def leave(self) -> None:
        """Let go of the project: what was chosen for one is not chosen for another."""
        self._project = self._counting.project = None
        self._typed, self._refused = {}, {}
        self.show(
            plan=None,
            held_out=None,
            formats=["imagefolder"],
            link=False,
            version="",
            selection="",
            diff=None,
            job=None,
        )

    def address(self) -> Address:
        """Where it is; the caller adds project and station."""
        return Address(filters=Filters(selection=self.state["selection"]))

    def visit(self, address: Address) -> None:
        """Write the selection of an address alone, or all.

        Raises InputError, with all as it was, where the selection is not there any more.
        """
        assert self._project is not None
        name = address.filters.selection
        if name:
            selections.read(self._project, name)
        if name != self.state["selection"]:
            self._choose({"selection": name, "version": ""})

    def follow(self, job: Job | None) -> None:
        """Show how far a writing is where it was asked for."""
        kind = "" if job is None else job.kind.replace("-", "_")
        if job is None or not job.is_open or kind not in KINDS:
            self.show(job=None)
            return
        facts = {"kind": kind, "message": job.message, "done": job.done, "total": job.total}
        self.show(job=facts)

    # What would be written

    def _planned(self, project: Project) -> tuple[HeldOut, ExportPreview | CuratorError]:
        chosen, where = cast("list[FormatName]", self.state["formats"]), self.state["where"]
        which = {"version": self.state["version"] or None, "selection": self.state["selection"]}
        held_out = offered_test(project)
        try:
            plan = project.preview_export(chosen, **which, folder=where.get("export"))
        except CuratorError as error:
            return held_out, error
        return held_out, plan

    def _show_plan(self, planned: tuple[HeldOut, ExportPreview | CuratorError]) -> None:
        held_out, plan = planned
        self.show(held_out=held_out.to_dict())
        if isinstance(plan, UnknownVersion):
            self._refused["export"] = str(plan)
            self.show(version="", errors={**self.state["errors"], "export": str(plan)})
            self._show_commands()
            self._counting.count(anew=True)
        elif isinstance(plan, CuratorError):
            self.show(plan=None, errors={**self.state["errors"], "export": str(plan)})
        else:
            self.show(plan=plan.to_dict())

    def _choose(self, message: dict[str, Any]) -> None:
        """Choose forms, a version, links; what was refused before may fit now."""
        asked = set(self.state["formats"])
        if "form" in message:  # one at a time: two ticks may come before the first is answered
            (asked.add if message["wanted"] else asked.discard)(str(message["form"]))
        self._refused.pop("export", None)
        self.show(
            formats=[name for name in FORMATS if name in asked] or ["imagefolder"],
            link=bool(message.get("link", self.state["link"])),
            version=str(message.get("version", self.state["version"])),
            selection=str(message.get("selection", self.state["selection"])),
            errors={},
        )
        self._show_commands()
        self._handlers["moved"](message)
        if self._project is not None and self.state["total"]:
            self._counting.count(anew=True)

    def _show_commands(self) -> None:
        project = self._project
        if project is None:
            return
        where, version = self.state["where"], self.state["version"]
        data: list[object] = ["curator", "export", project.path, where["export"]]
        for name in self.state["formats"]:
            data += ["--as", name]
        data += ["--version", version] if version else []
        data += ["--selection", self.state["selection"]] if self.state["selection"] else []
        data += ["--link"] if self.state["link"] else []
        model: list[object] = ["curator", "export-model", project.path, where["export_model"]]
        model += ["--run", self._run] if self._run is not None else []
        commands = {"export": shell_command(*data), "export_model": shell_command(*model)}
        if self.state["version"] or self.state["versions"]:
            commands["diff"] = shell_command("curator", "version", "diff", project.path, "A", "B")
        self.show(commands=commands)

    def _show_where(self, message: dict[str, Any]) -> None:
        """Show where what is being typed would be written, before it is."""
        kind = str(message["kind"])
        if self._project is None or kind not in KINDS:
            return
        try:
            out = str(folders.absolute(self._project, str(message["out"])))
        except CuratorError:
            return  # said when the form is sent
        self._typed[kind] = out
        self._refused.pop(kind, None)
        errors = {each: said for each, said in self.state["errors"].items() if each != kind}
        self.show(where={**self.state["where"], kind: out}, errors=errors)
        self._show_commands()

    # Writing

    def _export(self, message: dict[str, Any]) -> None:
        out = self._target("export", message)
        if out is not None:
            arguments = {
                "out": out,
                "formats": self.state["formats"],
                "link": self.state["link"],
                "version": self.state["version"] or None,
                "selection": self.state["selection"],
            }
            self._handlers["submit"]({"kind": "export", "arguments": arguments})

    def _export_model(self, message: dict[str, Any]) -> None:
        # What the page named is what is written, whatever was trained since.
        out = self._target("export_model", message)
        if out is not None:
            arguments = {"out": out, "run_id": int(message["run"])}
            self._handlers["submit"]({"kind": "export-model", "arguments": arguments})

    def _evaluate(self, message: dict[str, Any]) -> None:
        arguments = {"run_id": int(message["run"])}
        self._handlers["submit"]({"kind": "evaluate", "arguments": arguments})

    def _draw_test(self, share: float) -> None:
        """Put images aside as a test, or give them back."""
        project = self._project
        assert project is not None
        self._attempt("test", lambda: project.draw_test(share), {})

    def _attempt(self, part: str, act: Callable[[], object], message: dict[str, Any]) -> None:
        """Do it in a thread, and show beside ``part`` why it was refused, if it was."""

        def work() -> CuratorError | None:
            try:
                act()
            except CuratorError as error:
                return error
            return None

        def then(error: CuratorError | None) -> None:
            self._refused = {} if error is None else {part: str(error)}
            self._handlers["changed"](message)

        beside(work, then, self._handlers["error"])

    def _target(self, kind: str, message: dict[str, Any]) -> str | None:
        """The absolute folder that a form names; None, with the reason shown, if it cannot be."""
        assert self._project is not None
        self._refused.pop(kind, None)
        try:
            out = folders.absolute(self._project, str(message["out"]))
            refuse_occupied(out)
        except CuratorError as error:
            self._refused[kind] = str(error)
            self.show(errors={**self.state["errors"], kind: str(error)})
            return None
        return str(out)

    def _open_folder(self, kind: str) -> None:
        """Show the folder that was written last in the file manager."""
        command = file_manager()
        folder = self.state["written"].get(kind)
        if command is None or not folder or not folders.can_open():
            return
        subprocess.Popen([*command, folder], start_new_session=True)  # noqa: S603 -- a folder

    # Versions

    def _tag(self, message: dict[str, Any]) -> None:
        project, name = self._project, str(message["name"]).strip()
        assert project is not None
        self._attempt("tag", lambda: project.tag_version(name), message)

    def _compare(self, message: dict[str, Any]) -> None:
        """Show what differs between two versions, with pictures."""
        project = self._project
        assert project is not None
        before, after = str(message["before"]), str(message["after"])
        self._refused.pop("diff", None)
        self.show(comparing=True)

        def work() -> VersionDiff | CuratorError:
            try:
                return project.diff_versions(before, after)
            except CuratorError as error:
                return error

        def then(found: VersionDiff | CuratorError) -> None:
            if project is not self._project:
                return
            self.show(comparing=False)
            if isinstance(found, CuratorError):
                self._refused["diff"] = str(found)
                self.show(diff=None, errors={**self.state["errors"], "diff": str(found)})
                return
            self.show(diff=shown(found), errors={**self.state["errors"], "diff": ""})
            self._pictures()

        beside(work, then, self._handlers["error"])

    def _pictures(self, anew: bool = False) -> None:
        kinds = (self.state["diff"] or {"kinds": []})["kinds"]
        ids = (row["image_id"] for kind in kinds for row in kind["changes"])
        self._sent.send(self._project, ids, anew)


def judged_on_test(project: Project, run_id: int | None) -> dict[str, Any] | None:
    """How often a run was judged on the test images, how it did the last time, what it knows."""
    if run_id is None:
        return None
    looks, newest, learnt = judgements.of_run(project.database, run_id)
    return {"looks": looks, "rate": None if newest is None else newest.quality, "learnt": learnt}


def offered_test(project: Project) -> HeldOut:
    """What would be put aside as a test; where there is one, what giving it back would do."""
    found = project.preview_test(USUAL_TEST_SHARE)
    return project.preview_test(0) if any(item.before for item in found.classes) else found


def shown(found: VersionDiff) -> dict[str, Any]:
    """What differs as the page draws it: of each kind the number, and the first with pictures."""
    kinds = []
    for kind in CHANGES:
        rows = [item for item in found.changes if item.change == kind]
        if rows:
            first = [
                {"image_id": row.image_id, "before": row.before, "after": row.after}
                for row in rows[:SHOWN]
            ]
            kinds.append({"kind": kind, "count": len(rows), "changes": first})
    return {"before": found.before, "after": found.after, "kinds": kinds}
