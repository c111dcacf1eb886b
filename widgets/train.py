"""The station Train: recipe and settings, live curves, runs and their comparison."""

from __future__ import annotations

from typing import Any

from curator.check.findings import weak_findings
from curator.encode import weights
from curator.encode.backbones import REGISTRY, describe
from curator.errors import DataError
from curator.learn.finetune import cost_job as costs
from curator.learn.recipes import RECIPES, recipe_named
from curator.project import Project
from curator.review.queue import tiles
from curator.review.status import Status, is_guessing
from curator.store import jobs
from curator.store.jobs import Job
from widgets.background import Counting
from widgets.confusion import counts_of
from widgets.panel import Handler, Panel, script
from widgets.thumbnails import Thumbnails

MISTAKES = 12  # images shown of those that the model takes for another class
NO_MATRIX: dict[str, Any] = {
    **{name: [] for name in ("labels", "cells", "order", "pairs", "earlier", "change")},
    "run": None,
    "since": None,
    "label": "",
    "predicted": "",
}

# What the page offers of each recipe's settings; all of them are on the command line.
OFFERED: dict[str, tuple[str, ...]] = {
    "instant": ("folds", "balance", "mirror"),
    "finetune": (
        "frozen_epochs",
        "epochs",
        "rate",
        "batch",
        "mixup",
        "label_smoothing",
        "weight_decay",
        "patience",
        "flip",
        "mirror",
        "folds",
        "out_of_fold",
    ),
}


def defaults() -> dict[str, Any]:
    """The form before anybody touched it."""
    known: dict[str, Any] = {}
    for recipe in reversed(RECIPES.values()):  # the first one's own where both have one
        known |= recipe.settings_type().model_dump()
    offered = {name for names in OFFERED.values() for name in names}
    return {"recipe": "instant", "backbone": "", **{name: known[name] for name in offered}}


class TrainPanel(Panel):
    """Shows the newest run; training goes to the worker."""

    _esm = script("train")

    def __init__(self, handlers: dict[str, Handler]) -> None:
        own: dict[str, Handler] = {
            "form": lambda message: self._change(message["values"]),
            "take_rate": lambda message: self._take(float(message["rate"])),
            "compare": lambda message: self._compare(message["side"], int(message["run"])),
            "use": lambda message: self._use(message["run"]),
            "cell": lambda message: handlers["queue"]({**message, "queue": "confused"}),
            "ready": lambda _: self._pictures(anew=True),
            "train": lambda _: self._ask("train", **self.arguments()),
            "cost": lambda _: self._ask("cost", **self.arguments(("recipe",))),
            "find_rate": lambda _: self._ask("lr-find", **self._where()),
            "learning_curve": lambda _: self._ask("learning-curve", **self._where()),
            "try_networks": lambda _: self._ask("backbones"),
        }
        self._submit = handlers["submit"]
        super().__init__(
            {**handlers, **own},
            names=[],
            run=None,
            title="",
            chosen=False,
            guessing=None,
            is_guessing=False,
            recipe="",
            metrics=None,
            mistakes=[],
            weak=[],
            confusion=NO_MATRIX,
            history=[],
            live=[],
            choice="",
            notes=[],
            held_back="",
            comparison=None,
            compared={"before": None, "after": None},
            runs=[],
            rates=None,
            learning=None,
            networks=None,
            form=defaults(),
            form_number=0,
            cost="",
            backbones=[],
            images=0,
            stale=0,
            error=None,
            busy=False,
        )
        self._project: Project | None = None
        self._sent = Thumbnails(self)
        self._counting = Counting(_looked, self._counted, handlers.get("error", lambda _: None))
        self._chosen: dict[str, int | None] = {"before": None, "after": None}

    def refresh(self, project: Project, status: Status, busy: bool) -> None:
        """Show the newest run and, from the second on, what the cleaning changed."""
        is_other = project is not self._project
        if is_other:
            self._project = self._counting.project = project
            self.show(mistakes=[], confusion=NO_MATRIX)
            self._chosen = {"before": None, "after": None}
            self.show(form=defaults(), form_number=self.state["form_number"] + 1)
        values: dict[str, Any] = {"run": None, "metrics": None, "history": [], "choice": ""}
        if status.run:
            run = project.run_to_export()
            values = {
                "run": run.id,
                "title": run.title,
                "chosen": status.run.chosen,
                "guessing": status.run.guessing,
                "is_guessing": is_guessing(status.run),
                "recipe": run.recipe,
                "metrics": run.metrics,
                "history": run.history,
                "choice": run.settings.get("choice", ""),
                "notes": run.settings.get("notes", []),
            }
        self.show(
            **values,
            names=project.class_names(),
            weak=[
                {"code": item.code, "problem": item.problem, "images": item.count}
                for item in weak_findings(project)
            ],
            held_back=_why_held_back(project),
            **self._comparison(project),
            rates=_result(project, "lr-find"),
            learning=_result(project, "learning-curve"),
            networks=_result(project, "backbones"),
            backbones=_backbones(),
            cost=self._cost(project),
            images=status.images,
            stale=status.stale,
            busy=busy,
        )
        self._counting.count(anew=is_other)

    def _counted(self, found: dict[str, Any]) -> None:
        self.show(**found)
        self._pictures()

    def _pictures(self, anew: bool = False) -> None:
        self._sent.send(self._project, (row["id"] for row in self.state["mistakes"]), anew)

    def follow(self, job: Job | None) -> None:
        """Show the table of a training that runs, and the reason if the last one failed."""
        ours = job is not None and job.kind in {"train", "lr-find", "learning-curve", "backbones"}
        growing = job is not None and job.kind == "train" and job.is_open
        self.show(
            live=job.table if growing and job is not None else [],
            error=job.error if ours and job is not None and job.state == "failed" else None,
        )

    def arguments(self, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """What the job `train` is asked for: the form, without what is as it was."""
        form, before = self.state["form"], defaults()
        offered = ("recipe", *OFFERED[form["recipe"]])
        given = {n: form[n] for n in offered if n == "recipe" or form[n] != before[n]}
        return {**self._where(), **{n: v for n, v in given.items() if n not in without}}

    def _where(self) -> dict[str, Any]:
        chosen = self.state["form"]["backbone"]
        return {"backbone": chosen} if chosen else {}

    def _ask(self, kind: str, **arguments: Any) -> None:
        self.show(error=None)
        self._submit({"kind": kind, "arguments": arguments})

    def _change(self, values: dict[str, Any]) -> None:
        before = defaults()
        form = {**self.state["form"]}
        for name, value in values.items():
            form[name] = _typed(value, before[name]) if isinstance(value, str) else value
        turned = form["recipe"] != self.state["form"]["recipe"]
        self.show(form=form)
        if self._project is None:
            return
        self.show(cost=self._cost(self._project))
        can = turned and self.state["images"] and not self.state["busy"]
        if can and recipe_named(form["recipe"]).takes_minutes and not self._project.read_only:
            self._measure(self._project, form["backbone"])

    def _measure(self, project: Project, backbone: str) -> None:
        """Measure on a few batches what fine-tuning will cost, unless that is known."""
        if not costs.is_measured(project, backbone):
            self._ask("cost", **self.arguments(("recipe",)))

    def _take(self, rate: float) -> None:
        """Put a found rate into the form, over what was typed there."""
        form = {**self.state["form"], "rate": float(f"{rate:.2g}")}
        self.show(form=form, form_number=self.state["form_number"] + 1)

    def _use(self, run: int | None) -> None:
        """Take a run into use; None: always the newest that was asked for."""
        if self._project is not None:
            self._project.use_run(None if run is None else int(run))
            self._handlers["changed"]({})

    def _compare(self, side: str, run: int) -> None:
        self._chosen[side] = run
        if self._project is not None:
            self.show(**self._comparison(self._project))

    def _comparison(self, project: Project) -> dict[str, Any]:
        table = project.runs()
        rows = table.iloc[::-1].to_dict("records") if len(table) else []
        shown = [{str(k): None if v != v else v for k, v in row.items()} for row in rows]  # noqa: PLR0124 (NaN)
        try:
            found = project.compare(**self._chosen)
        except DataError:  # one run only: there is nothing to compare yet
            return {"runs": shown, "comparison": None}
        compared = {"before": found.before.run, "after": found.after.run}
        return {"runs": shown, "comparison": found.to_dict(), "compared": compared}

    def _cost(self, project: Project) -> str:
        form = self.state["form"]
        slow = recipe_named(form["recipe"]).takes_minutes
        return costs.sentence(project, form) if slow else ""


def _looked(project: Project) -> dict[str, Any]:
    """The images that the model takes for another class, and their number by class."""
    rows: list[dict[str, Any]] = []
    if project.ranking_run() is not None:
        ids = project.queue("suspicious").ids[: 4 * MISTAKES]
        rows = tiles.rows(project, "suspicious", [int(i) for i in ids])
    mistakes = [
        {name: row[name] for name in ("id", "label", "predicted", "confidence")}
        for row in rows
        if row["predicted"] not in {None, row["label"]} and not row["in_sample"]
    ]
    return {"mistakes": mistakes[:MISTAKES], "confusion": {**NO_MATRIX, **counts_of(project)}}


def _why_held_back(project: Project) -> str:
    """Why the newest run is not in use, where nobody chose another: a sentence."""
    held = project.held_back_run()
    findings = held.metrics.get("diagnosis") if held else None
    return findings[-1]["sentence"] if findings else ""


def _typed(text: str, default: Any) -> Any:
    """What was typed, as a number where one belongs; else the text, which the job then refuses."""
    if not text.strip():
        return default
    try:
        return int(text) if isinstance(default, int) or default is None else float(text)
    except ValueError:
        return text.strip()


def _result(project: Project, kind: str) -> dict[str, Any] | None:
    """What the newest finished job of a kind found."""
    job = jobs.latest(project.database, (jobs.DONE,), kind)
    return None if job is None else job.result


def _backbones() -> list[dict[str, Any]]:
    """The networks to choose from, each with what its weights ask for, and whether it is here."""
    rows = []
    for name in REGISTRY:
        source = describe(name).source
        here = source is None or weights.on_disk(source)
        if source is None:
            note = "comes along"
        elif here:
            note = "on disk"
        else:
            note = f"downloads {source.size / weights.MEGABYTE:.0f} MB once"
        rows.append({"name": name, "note": note, "here": here})
    return rows
