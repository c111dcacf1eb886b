"""The tables of ``project.db``.

    classes      the labels, in the order in which the model counts them
    sources      where images come from: one row for each (address or imported file, class)
    images       one row for each distinct content (SHA-256); measures and split live here
    tags         what the pretrained network calls each image: its five best ImageNet names
    decisions    the ledger, append-only: the last row of an image is its present state
    class_acts   the ledger's second part: classes made, renamed and merged
    dismissals   its third: findings of the check that a person says are no problem
    current      label and state of each image, derived from the ledger by triggers
    pages        the review log: each page of images that a person went through
    looks        what each of its images was before and after
    runs         trained models with settings and metrics
    predictions  what a run says of each image
    versions     the data set as it was when it got a name
    version_images  what belongs to each of them, and as what
    recipes      data set recipes that were taken in: addresses, labels and decisions of others
    opinions     what each of them says of an image, and whom it contradicts
    judgements   each time that a run was judged on the test images
    concepts     what a person looks for across classes, by name
    concept_marks  the ledger's fourth part: images that show it or do not
    jobs         long work: progress, heartbeat, cancel flag, outcome

An image's *given class* is that of its first source. Its *label* and *state* are derived from the
ledger: no decision means the given class and the state ``new``, or ``unlabelled`` where the source
gave none. They are kept in ``current``, which
triggers bring up to date in the transaction that adds an image or a decision, because counting and
ordering 200,000 images by the newest of their decisions would take a second each time.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

SCHEMA_VERSION = 9

# States of a source. `pending` is asked for by the next fetch, `failed` only when asked again.
PENDING, FETCHED, FAILED = "pending", "fetched", "failed"

# States of an image. SEVERAL: it shows things of more than one class; NONE: of none of them.
NEW, KEPT, UNSURE, SEVERAL, NONE, DELETED = "new", "kept", "unsure", "several", "none", "deleted"
WITHDRAWN = "withdrawn"  # the import that brought it was undone: as if it had never come
UNLABELLED = "unlabelled"  # it came under a retired class, "no label yet", and has no other yet
LIVE_STATES = (NEW, KEPT, UNSURE)
UNDECIDED = (NEW, UNSURE)  # nobody said yet what it shows
LEFT_OUT = (SEVERAL, NONE, DELETED)  # by a decision
OUT = (*LEFT_OUT, WITHDRAWN, UNLABELLED)  # neither trained on nor exported; everything else is live

TRAIN, VALID, TEST = "train", "valid", "test"

LARGEST_ID = 2**63 - 1  # of an INTEGER; asking SQLite for a larger one is an error

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

classes = Table(
    "classes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text(collation="NOCASE"), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    # 1: no longer a class of the project (its making was undone, or it was merged).
    Column("retired", Integer, nullable=False, server_default="0"),
    Column("merged_into", ForeignKey("classes.id")),  # what its sources that are still to come get
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),  # "address", "data" (its bytes were given) or "file"
    Column("origin", Text, nullable=False),  # the address, or the path relative to the import
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("root", Text, nullable=False, default=""),  # of a file: the folder it came from
    Column("listed_in", Text, nullable=False, default=""),  # of an address: the list's name
    Column("line", Integer),
    # Of the picture, as the list named them: "" where it named none.
    Column("license", Text, nullable=False, server_default=""),
    Column("creator", Text, nullable=False, server_default=""),
    Column("source_page", Text, nullable=False, server_default=""),
    Column("split", Text),  # of an imported folder
    Column("state", Text, nullable=False, default=PENDING),
    Column("reason", Text),  # code of curator.imaging.reasons when it failed
    Column("detail", Text),
    Column("final_address", Text),
    Column("http_status", Integer),
    Column("content_type", Text),
    Column("bytes", Integer),
    Column("attempts", Integer, nullable=False, default=0),
    Column("seconds", Float),
    Column("ended_at", Text),
    Column("image_id", ForeignKey("images.id")),
    UniqueConstraint("kind", "root", "origin", "class_id"),
    Index("sources_by_state", "state", "id"),
    Index("sources_by_image", "image_id"),
)

images = Table(
    "images",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),
    Column("file", Text, nullable=False),  # relative to originals/
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("format", Text, nullable=False),
    Column("width", Integer, nullable=False),  # pixels, orientation applied
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("phash", Text, nullable=False),  # 64-bit perceptual hash, 16 hex digits
    Column("dark_score", Float, nullable=False),  # quality scores: 0..1, low = suspicious
    Column("light_score", Float, nullable=False),
    Column("low_information_score", Float, nullable=False),
    Column("blurry_score", Float, nullable=False),
    Column("odd_aspect_ratio_score", Float, nullable=False),
    Column("grayscale_score", Float),  # 0 or 1
    Column("sharpness", Float),  # variance of the Laplacian; large = sharp, not bounded
    Column("measures_version", Integer, nullable=False, server_default="0"),
    Column("outlier_score", Float),  # 0..1, low = far from all others; from the last check
    Column("checked_with", Text),  # key of the backbone whose features the last check compared
    Column("group_id", Integer),  # near-duplicates share one: the smallest image id among them
    Column("split", Text),
    Column("added_at", Text, nullable=False),
    Index("images_by_group", "group_id"),
    Index("images_by_split", "split"),
)

tags = Table(
    "tags",
    metadata,
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("place", Integer, primary_key=True),  # 1..5, best first
    Column("name", Text(collation="NOCASE"), nullable=False),
    Column("probability", Float, nullable=False),  # of the 1,000 ImageNet classes, 0..1
    Index("tags_by_name", "name"),
)

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
    Column("label_score", Float, nullable=False),  # p[label], 0..1, low = suspicious
    Column("confidence", Float, nullable=False),  # p[predicted], 0..1
    Column("loss", Float, nullable=False),  # -log p[label], nats
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

versions = Table(
    "versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text(collation="NOCASE"), nullable=False, unique=True),
    Column("at", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("images", Integer, nullable=False),
    Column("data_sha256", Text, nullable=False),  # of its contents, labels, splits and decisions
    Column("manifest_sha256", Text, nullable=False),  # of the file that its exports hold
    Column("facts", Text, nullable=False),  # JSON: what its card says beyond its images
    Index("versions_by_data", "data_sha256"),
)

version_images = Table(
    "version_images",
    metadata,
    Column("version_id", ForeignKey("versions.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("source_id", ForeignKey("sources.id"), nullable=False),  # the first one, then
    Column("label", Text, nullable=False),  # as the classes were called then
    Column("given_label", Text, nullable=False),
    Column("split", Text, nullable=False),
    Column("decision", Text, nullable=False),
)

recipes = Table(
    "recipes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", Text, nullable=False, unique=True),  # of the file
    Column("name", Text, nullable=False),  # of the project that it was written from
    Column("at", Text, nullable=False),  # when it was taken in, and by whom
    Column("by", Text, nullable=False),
)

opinions = Table(
    "opinions",
    metadata,
    Column("recipe_id", ForeignKey("recipes.id"), primary_key=True),
    Column("image_id", ForeignKey("images.id"), primary_key=True),
    Column("batch", Integer, nullable=False),  # the act that heard it
    Column("at", Text, nullable=False),  # of the decision, and who took it
    Column("by", Text, nullable=False),
    Column("class_id", ForeignKey("classes.id"), nullable=False),
    Column("state", Text, nullable=False),
    # Whom it contradicts; None: nobody.
    Column("other_by", Text),
    Column("other_class_id", ForeignKey("classes.id")),
    Column("other_state", Text),
    Index("opinions_by_image", "image_id"),
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

concepts = Table(
    "concepts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text(collation="NOCASE"), nullable=False, unique=True),
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

# `current` follows the ledger whoever writes. Created after the tables.
TRIGGERS = (
    """
    CREATE TRIGGER IF NOT EXISTS image_came AFTER INSERT ON images BEGIN
        INSERT INTO current (image_id, class_id, state)
        SELECT NEW.id, id,
               CASE WHEN retired AND name = 'no label yet' THEN 'unlabelled' ELSE 'new' END
        FROM classes WHERE id = NEW.class_id;
    END
    """,
    """
    CREATE TRIGGER IF NOT EXISTS decision_came AFTER INSERT ON decisions BEGIN
        UPDATE current
        SET class_id = NEW.class_after, state = NEW.state_after,
            decision_id = NEW.id, action = NEW.action
        WHERE image_id = NEW.image_id;
    END
    """,
)
