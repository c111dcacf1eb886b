"""Tables of what models say, and of what a reviewer was shown of it."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, LargeBinary, Table

from curator.store.schema.base import Integer, Text, metadata

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("backbone", Text, nullable=False),
    Column("ledger_position", Integer, nullable=False),  # last decision that the run knew of
    Column("settings", Text, nullable=False),  # JSON
    Column("metrics", Text, nullable=False),  # JSON
    Column("history", Text, nullable=False),  # JSON: the training table, a list of rows
    # 1: every prediction is by a model that did not see the image; only such runs rank images.
    Column("out_of_fold", Integer, nullable=False, server_default="1"),
    # 1: a refit between two pages of a review; its predictions go when two newer runs rank.
    Column("interim", Integer, nullable=False, server_default="0"),
)

predictions = Table(
    "predictions",
    metadata,
    Column("run_id", ForeignKey("runs.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("class_id", ForeignKey("classes.id"), nullable=False),  # the label when the run saw it
    Column("predicted_id", ForeignKey("classes.id"), nullable=False),
    Column("label_score", Float, nullable=False),  # 0..1, low = suspicious
    Column("confidence", Float, nullable=False),  # p[predicted], 0..1
    Column("loss", Float, nullable=False),  # -log label_score, nats
    Column("is_label_issue", Integer, nullable=False),
    Column("probabilities", LargeBinary, nullable=False),  # float32 (K,), what the above is from
    Column("fixed_probabilities", LargeBinary),  # float32 (K,), valid images: of the exported model
    Column("in_sample", Integer, nullable=False, server_default="0"),  # 1: its model saw the image
    # All that queues and matrices read, in the order of the images: nothing else is looked up.
    Index(
        "predictions_said",
        "run_id",
        "image_id",
        "class_id",
        "predicted_id",
        "label_score",
        "confidence",
        "is_label_issue",
        "in_sample",
    ),
)

judgements = Table(
    "judgements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("ledger_position", Integer, nullable=False),  # last decision that it knew of
    Column("metrics", Text, nullable=False),  # JSON
    Index("judgements_by_run", "run_id"),
)

pages = Table(
    "pages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Text, nullable=False),  # when it was left
    Column("by", Text, nullable=False),
    Column("queue", Text, nullable=False),
    Column("run_id", ForeignKey("runs.id")),  # whose scores were shown
    Column("images", Integer, nullable=False),
    Column("hits", Integer, nullable=False),  # images whose label was changed or that were left out
    Column("seconds", Float, nullable=False),
)

looks = Table(
    "looks",
    metadata,
    Column("page_id", ForeignKey("pages.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("score", Float),  # the label score that was shown, 0..1
    Column("class_before", ForeignKey("classes.id"), nullable=False),  # when the page was opened
    Column("class_after", ForeignKey("classes.id"), nullable=False),  # when it was left
    Column("state_before", Text, nullable=False),
    Column("state_after", Text, nullable=False),
    Index("looks_by_image", "image_id"),
)
