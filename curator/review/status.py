"""Where the project stands, station by station: the one answer of page, command and API.

A tick is a promise that a person could stop here. So a station is ``done`` only when there is
something, nothing of it failed, somebody looked at what asks to be looked at, and a model is
better than guessing. Judged from counts and the newest job alone, by functions without a database.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from curator.check.report import report
from curator.jobs import marks
from curator.phrasing import capitalised, many
from curator.records import Record
from curator.review.counts import Counts, NewestRun, count
from curator.store import jobs
from curator.store.jobs import Job

if TYPE_CHECKING:
    from curator.store.workspace import Workspace

EMPTY, NEEDS_YOU, WORKING, DONE, FAILED = "empty", "needs you", "working", "done", "failed"
COLLECT, CHECK, TRAIN, REVIEW, USE = "collect", "check", "train", "review", "use"
STATION_OF = {
    "fetch": COLLECT,
    "sample": COLLECT,
    "import": COLLECT,
    "check": CHECK,
    "train": TRAIN,
    "cost": TRAIN,
    "lr-find": TRAIN,
    "learning-curve": TRAIN,
    "backbones": TRAIN,
    "export": USE,
    "export-model": USE,
    "evaluate": USE,
    "rebuild": COLLECT,
}
"""At which station each kind of job that a user asks for works."""
QUIET = ("refit",)  # work that nobody asked for: it shows in what it changes


@dataclass(frozen=True)
class Station(Record):
    """How one station stands."""

    station: str
    """collect, check, train, review or use."""
    state: str
    """empty, needs you, working, done or failed."""
    count: int
    """What ``figure`` counts: images, addresses or problems; 0 where there is nothing to count."""
    figure: str
    """In a few plain words, for the rail; empty where there is nothing to tell."""
    sentence: str
    """What it means."""
    details: str = ""
    """The exact figures, with the field's own terms."""


@dataclass(frozen=True)
class Status(Counts):
    """Where a project stands: the counts, and what follows from them."""

    problems: int
    """Kinds of things to look at that the check of the data finds."""
    stations: tuple[Station, ...]
    """In the order of the work."""

    def station(self, name: str) -> Station:
        """One of the stations, by its name."""
        return next(item for item in self.stations if item.station == name)


def status(workspace: Workspace, problems: int | None = None) -> Status:
    """Say where the project stands; ``problems``: of its check, where the caller counted them."""
    counts = count(workspace)
    if problems is None:
        problems = len(report(workspace).problems) if counts.images else 0
    counted = {item.name: getattr(counts, item.name) for item in fields(counts)}
    return Status(
        **counted, problems=problems, stations=stations(counts, problems, newest_job(workspace))
    )


@dataclass(frozen=True)
class Step(Record):
    """What to do next."""

    sentence: str
    station: str
    """Where."""
    title: str
    """Of the button that leads there."""


_STEPS = {
    COLLECT: "Collect images",
    CHECK: "Look at them",
    TRAIN: "Train",
    REVIEW: "Review",
    USE: "Use it",
}


def next_step(status: Status) -> Step:
    """The one thing to do next: what works or failed first, then what comes first in the work.

    What a training would learn anew waits until the review has no image left to look at.
    """
    by_state: dict[str, list[Station]] = {}
    for item in status.stations:
        by_state.setdefault(item.state, []).append(item)
    at_work = [*by_state.get(WORKING, ()), *by_state.get(FAILED, ())]
    if at_work:
        return _step(at_work[0], "Watch it" if at_work[0].state == WORKING else "See why")
    left = [item for item in status.stations if item.state != DONE]
    if status.run is not None and status.left and status.stale:
        left = [item for item in left if item.station != TRAIN]
    return _step(left[0] if left else status.station(USE))


def _step(station: Station, title: str = "") -> Step:
    return Step(station.sentence, station.station, title or _STEPS[station.station])


def newest_job(workspace: Workspace) -> Job | None:
    """The newest job that this user asked for."""
    job = jobs.latest(workspace.database, without=QUIET)
    if job is not None and job.state == jobs.QUEUED and not marks.is_ours(workspace, job, "to run"):
        return None  # it came with the project, and is not run unless the user says so
    return job


def stations(counts: Counts, problems: int, job: Job | None = None) -> tuple[Station, ...]:
    """Judge every station; ``job``: the newest that a user asked for."""
    judges: dict[str, Callable[[], Station]] = {
        COLLECT: lambda: _collect(counts),
        CHECK: lambda: _check(counts, problems),
        TRAIN: lambda: _train(counts),
        REVIEW: lambda: _review(counts),
        USE: lambda: _use(counts),
    }
    return tuple(_at_work(name, job) or judge() for name, judge in judges.items())


def _at_work(name: str, job: Job | None) -> Station | None:
    """The station as its newest job has it: working or failed; None when that is over."""
    if job is None or STATION_OF.get(job.kind) != name:
        return None
    if job.is_open:
        far = f"{job.done} of {job.total}" if job.total else "working"
        doing = job.message or "about to begin"
        return Station(name, WORKING, job.done, far, f"{doing}, {far}." if job.total else doing)
    if job.state == jobs.FAILED:
        return Station(name, FAILED, 0, "failed", job.error or f"{job.kind} failed.")
    return None


def _collect(counts: Counts) -> Station:
    pending, failed = counts.addresses.pending, sum(counts.addresses.failed.values())
    of_all = f"{counts.addresses.fetched} fetched, {pending} to fetch, {failed} failed"

    def station(state: str, number: int, figure: str, sentence: str) -> Station:
        return Station(COLLECT, state, number, figure, sentence, of_all)

    if pending:
        figure = f"{pending} to fetch"
        return station(
            NEEDS_YOU, pending, figure, f"{many(pending, 'address', 'addresses')} to fetch."
        )
    if failed and not counts.addresses.fetched:
        every = f"None of {many(failed, 'address or file', 'addresses and files')} gave an image."
        return station(FAILED, failed, f"{failed} failed", every)
    if counts.brought == 0 and counts.brought_failed:
        number = counts.brought_failed
        last = f"The last fetch or import brought no image: {number} failed."
        return station(FAILED, number, f"{number} failed", last)
    if failed > counts.addresses.fetched:
        most = f"{failed} addresses and files failed, more than gave an image."
        return station(NEEDS_YOU, failed, f"{failed} failed", most)
    held = counts.images + counts.unlabelled
    if not held:
        return station(EMPTY, 0, "", "No image is here: paste addresses or drop files.")
    there = many(held, "image")
    gave_none = f"; {failed} addresses and files gave none" if failed else ""
    return station(DONE, held, there, f"{there} {_are(held)} here{gave_none}.")


def _check(counts: Counts, problems: int) -> Station:
    if not counts.images:
        return Station(CHECK, EMPTY, 0, "", "There is no image to check.")
    if counts.unchecked:
        number = counts.unchecked
        sentence = f"{many(number, 'image')} {_are(number)} not checked yet."
        return Station(CHECK, NEEDS_YOU, number, f"{number} to check", sentence)
    if problems:
        sentence = f"{many(problems, 'thing')} to look at."
        return Station(CHECK, NEEDS_YOU, problems, f"{problems} to see", sentence)
    return Station(CHECK, DONE, 0, "nothing found", "The check found nothing wrong.")


def _train(counts: Counts) -> Station:
    run = counts.run
    if run is None:
        ready = f"{many(counts.images, 'image')} to learn from; no model was trained yet."
        return Station(TRAIN, EMPTY, 0, "", ready if counts.images else "No image to learn from.")
    if run.error is None:
        unknown = "The model was trained; there is no image to judge it on."
        return Station(TRAIN, NEEDS_YOU, 0, "not judged", unknown, _of_run(run))
    right = share_right(run.error)
    if is_guessing(run):
        chance = f"always saying the commonest class is {share_right(run.guessing or 0.0)}"
        sentence = f"{right}, no better than guessing: {chance}."
        return Station(TRAIN, NEEDS_YOU, 0, "no better than guessing", sentence, _of_run(run))
    if run.high is None or run.guessing is None:
        sentence = f"{right}; whether that is better than guessing is not known."
        return Station(TRAIN, NEEDS_YOU, 0, right, sentence, _of_run(run))
    if counts.stale:
        sentence = f"{right}; {many(counts.stale, 'change')} since: train again to learn from them."
        return Station(TRAIN, NEEDS_YOU, counts.stale, right, sentence, _of_run(run))
    return Station(TRAIN, DONE, 0, right, f"{right}.", _of_run(run))


def _review(counts: Counts) -> Station:
    if counts.unlabelled and not counts.left:
        number = counts.unlabelled
        sentence = f"{many(number, 'image')} {_has(number)} no label yet: give some of them one."
        return Station(REVIEW, NEEDS_YOU, number, f"{number} to label", sentence)
    if counts.run is None or not counts.images:
        return Station(REVIEW, EMPTY, 0, "", "Train first: the model tells what to look at.")
    if counts.left:
        sentence = f"{many(counts.left, 'image')} may be labelled wrong: look at them."
        return Station(REVIEW, NEEDS_YOU, counts.left, f"{counts.left} to look at", sentence)
    if not counts.looked:
        sentence = "Nobody has looked yet: look through the most suspicious images once."
        return Station(REVIEW, NEEDS_YOU, 0, "nobody looked", sentence)
    if is_guessing(counts.run):
        sentence = "The model is no better than guessing, so what it flags says nothing."
        return Station(REVIEW, NEEDS_YOU, 0, "model guesses", sentence)
    return Station(REVIEW, DONE, 0, "none left", "Every image that was flagged was looked at.")


def _use(counts: Counts) -> Station:
    if not counts.images:
        return Station(USE, EMPTY, 0, "", "There is no image to use yet.")
    there = many(counts.images, "image")
    if counts.exported:
        return Station(USE, DONE, counts.images, "written", "Written, and nothing changed since.")
    return Station(USE, EMPTY, counts.images, "", f"{there} can be written.")


def is_guessing(run: NewestRun) -> bool:
    """Whether the error's interval does not lie below the error of always saying one class."""
    return run.high is not None and run.guessing is not None and run.high >= run.guessing


def share_right(error: float) -> str:
    """An error 0..1 as people say it: "98.5 % right"."""
    return f"{1 - error:.1%} right".replace("%", " %")


def _of_run(run: NewestRun) -> str:
    """The exact figures of a run: error, interval, how it was judged, what it is."""
    name = capitalised(run.title)
    if run.error is None:
        return name
    ends = ""
    if run.low is not None and run.high is not None:
        ends = f" ({100 * run.low:.1f}-{100 * run.high:.1f})"
    how = (
        "each image judged by a model that did not see it"
        if run.judged_on == "out-of-fold"
        else "of the validation images, which the model did not see"
    )
    return f"{name}: {run.error:.1%} wrong{ends}, {how}.".replace("%", " %")


def _has(number: int) -> str:
    return "has" if number == 1 else "have"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
