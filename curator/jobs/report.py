"""What a job hands back: a sentence for people, fields for programs, and all of it as JSON."""

from __future__ import annotations

from dataclasses import dataclass

from curator.records import Record


@dataclass(frozen=True, kw_only=True)
class Report(Record):
    """How a job ended. Each kind of job has a subclass with its own figures."""

    sentence: str
    """What happened and the next step, in one line."""
