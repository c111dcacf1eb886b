"""Tables of what people decided, append-only, and what follows from it for each image."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Table

from curator.store.schema.base import Integer, Name, Text, metadata

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),  # rows of one act share it; undo works by batch
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("image_id", ForeignKey("images.id"), nullable=False),
    # keep, delete, relabel, unsure, several, none, accept, merge, import, undo, redo
    Column("action", Text, nullable=False),
    Column("class_before", ForeignKey("classes.id"), nullable=False),
    Column("class_after", ForeignKey("classes.id"), nullable=False),
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Column("score", Float),  # the label score that the reviewer saw, 0..1
    Column("run_id", ForeignKey("runs.id")),  # and the run it came from
    Column("undoes", ForeignKey("decisions.id")),  # of an undo: the decision; of a redo: the undo
    Index("decisions_by_image", "image_id", "id"),
    Index("decisions_by_batch", "batch"),
    Index("decisions_by_undone", "undoes"),
)

class_acts = Table(
    "class_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),  # from the same count as those of `decisions`
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),  # new class, rename, merge, undo, redo
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("name_before", Text, nullable=False),
    Column("name_after", Text, nullable=False),
    Column("retired_before", Integer, nullable=False),
    Column("retired_after", Integer, nullable=False),
    Column("merged_before", ForeignKey("classes.id")),
    Column("merged_after", ForeignKey("classes.id")),
    Column("undoes", ForeignKey("class_acts.id")),
    Index("class_acts_by_batch", "batch"),
    Index("class_acts_by_undone", "undoes"),
)

dismissals = Table(
    "dismissals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),  # from the same count as those of `decisions`
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),  # dismiss, bring back, undo, redo
    Column("finding", Text, nullable=False),  # code of curator.check.findings
    Column("image_id", ForeignKey("images.id")),  # None: of no image, but of the data as a whole
    Column("class_id", ForeignKey("classes.id")),  # of a finding of one class
    Column("before", Integer, nullable=False),  # 1: dismissed
    Column("after", Integer, nullable=False),
    Column("undoes", ForeignKey("dismissals.id")),
    Index("dismissals_by_batch", "batch"),
    Index("dismissals_by_undone", "undoes"),
)

concepts = Table(
    "concepts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("retired", Integer, nullable=False, server_default="0"),  # 1: removed by a person
)

concept_marks = Table(
    "concept_marks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("concept_id", ForeignKey("concepts.id"), nullable=False),
    Column("image_id", ForeignKey("images.id"), nullable=False),
    Column("shows", Integer, nullable=False),  # 1 or 0; -1: taken back, nothing was said before
    # 1: an example that somebody picked, so it says nothing of how many there are.
    Column("picked", Integer, nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("batch", Integer, nullable=False, server_default="0"),  # 0: before they were acts
    Column("action", Text, nullable=False, server_default="mark"),  # mark, undo, redo
    Column("undoes", ForeignKey("concept_marks.id")),
    Index("concept_marks_by_concept", "concept_id", "image_id", "id"),
    Index("concept_marks_by_batch", "batch"),
    Index("concept_marks_by_undone", "undoes"),
)

concept_acts = Table(
    "concept_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),  # from the same count as those of `decisions`
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),  # make, rename, remove, bring back concept, undo, redo
    Column("concept_id", ForeignKey("concepts.id"), nullable=False),
    Column("name_before", Text, nullable=False),
    Column("name_after", Text, nullable=False),
    Column("retired_before", Integer, nullable=False),
    Column("retired_after", Integer, nullable=False),
    Column("undoes", ForeignKey("concept_acts.id")),
    Index("concept_acts_by_batch", "batch"),
    Index("concept_acts_by_undone", "undoes"),
)

split_acts = Table(
    "split_acts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("batch", Integer, nullable=False),  # from the same count as those of `decisions`
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),  # test split, undo, redo
    Column("image_id", ForeignKey("images.id")),  # None: of no image, but of the test's share
    Column("before", Text, nullable=False),  # the split, or the share, 0..0.5
    Column("after", Text, nullable=False),
    Column("undoes", ForeignKey("split_acts.id")),
    Index("split_acts_by_batch", "batch"),
    Index("split_acts_by_image", "image_id", "id"),
    Index("split_acts_by_undone", "undoes"),
)

current = Table(
    "current",
    metadata,
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("decision_id", ForeignKey("decisions.id")),  # the last one; None: nobody decided yet
    Column("action", Text),
    Index("current_by_state", "state", "class_id", "image_id"),
)
