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
    concept_acts   its sixth: concepts that were made, renamed, removed or brought back
    split_acts   its fifth: images that were put aside as a test, or given back
    jobs         long work: progress, heartbeat, cancel flag, outcome

An image's *given class* is that of its first source. Its *label* and *state* are derived from the
ledger: no decision means the given class and the state ``new``, or ``unlabelled`` where the source
gave none. They are kept in ``current``, which
triggers bring up to date in the transaction that adds an image or a decision, because counting and
ordering 200,000 images by the newest of their decisions would take a second each time.
"""

from __future__ import annotations

from curator.store.schema.acts import (
    class_acts,
    concept_acts,
    concept_marks,
    concepts,
    current,
    decisions,
    dismissals,
    split_acts,
)
from curator.store.schema.base import LARGEST_ID, SCHEMA_VERSION, meta, metadata
from curator.store.schema.jobs import jobs
from curator.store.schema.learnt import judgements, looks, pages, predictions, runs
from curator.store.schema.pictures import classes, images, sources, tags
from curator.store.schema.states import (
    DELETED,
    FAILED,
    FETCHED,
    KEPT,
    LEFT_OUT,
    LIVE_STATES,
    NEW,
    NONE,
    OUT,
    PENDING,
    SEVERAL,
    TEST,
    TRAIN,
    UNDECIDED,
    UNLABELLED,
    UNSURE,
    VALID,
    WITHDRAWN,
)
from curator.store.schema.versions import opinions, recipes, version_images, versions

__all__ = [
    "DELETED",
    "FAILED",
    "FETCHED",
    "KEPT",
    "LARGEST_ID",
    "LEFT_OUT",
    "LIVE_STATES",
    "NEW",
    "NONE",
    "OUT",
    "PENDING",
    "SCHEMA_VERSION",
    "SEVERAL",
    "TEST",
    "TRAIN",
    "UNDECIDED",
    "UNLABELLED",
    "UNSURE",
    "VALID",
    "WITHDRAWN",
    "class_acts",
    "classes",
    "concept_acts",
    "concept_marks",
    "concepts",
    "current",
    "decisions",
    "dismissals",
    "images",
    "jobs",
    "judgements",
    "looks",
    "meta",
    "metadata",
    "opinions",
    "pages",
    "predictions",
    "recipes",
    "runs",
    "sources",
    "split_acts",
    "tags",
    "version_images",
    "versions",
]
