"""The job `find`: what a search by words needs, computed: the network, its features, the text's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.encode.backbones import choose_for, clip
from curator.encode.project_features import ensure_features, fetch_as_step
from curator.encode.words import words_features
from curator.errors import NotEnoughData
from curator.find.words import digest_of, normalised, words_cache
from curator.jobs.report import Report
from curator.phrasing import many
from curator.store import images

if TYPE_CHECKING:
    from curator.jobs.progress import Progress
    from curator.store.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class WordsReport(Report):
    """How a search by words ended."""

    text: str
    images: int
    """Live images that can be compared with it."""
    unreadable: tuple[str, ...] = ()
    """Images that cannot, by SHA-256, and why."""


def run(
    workspace: Workspace, progress: Progress, text: str, device: str | None = None
) -> WordsReport:
    """Compute what lacks, so that the queue "words" can be opened with ``text``.

    The network is downloaded once. ``device``: as for :func:`~curator.encode.backbones.choose`.
    Raises InputError, PackageMissing, NotEnoughData without an image, JobCancelled (what was
    computed is kept), WeightsMissing, WeightsAltered, FileError.
    """
    text = normalised(text)
    clip.require_installed()
    choice = choose_for(clip.words_network(), device)
    with workspace.database.read() as connection:
        table = images.live(connection)
    if table.empty:
        raise NotEnoughData("There is no image to look at.", "Add some images first.")
    notes: list[str] = []
    cache, digest = words_cache(workspace), digest_of(text)
    if cache.missing([digest]):
        fetch_as_step(progress, choice.backbone, notes)
        progress.begin("reading the words", None)
        cache.append([digest], words_features(choice.backbone, text)[None])
    unreadable = ensure_features(workspace, progress, choice, table, notes=notes)
    seen = len(table) - len(unreadable)
    if unreadable:
        notes.append(f"{many(len(unreadable), 'image')} could not be read and left out.")
    return WordsReport(
        sentence=" ".join([*notes, f"{many(seen, 'image')} put in order by “{text}”."]),
        text=text,
        images=seen,
        unreadable=tuple(f"{sha256}: {problem}" for sha256, problem in unreadable),
    )
