"""The table of long work."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Table

from curator.store.schema.base import Integer, Text, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("arguments", Text, nullable=False),  # JSON
    # queued, running, done, failed, cancelled; offered: not asked for by this user
    Column("state", Text, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("total", Integer),
    Column("message", Text, nullable=False, default=""),
    Column("counts", Text, nullable=False, default="{}"),  # JSON: name -> number
    Column("table", Text, nullable=False, default="[]"),  # JSON: the training table while it grows
    Column("cancel", Integer, nullable=False, default=0),
    Column("process", Integer),
    Column("created_at", Text, nullable=False),
    Column("started_at", Text),
    Column("heartbeat", Float),  # seconds since the epoch
    Column("ended_at", Text),
    Column("result", Text),  # JSON
    Column("error", Text),
    Column("mark", Text),  # of curator.jobs.marks: that this user asked for it
    Index("jobs_by_state", "state", "id"),
)
