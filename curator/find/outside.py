"""Pictures that are none of the project's, to compare its images with: files, bytes, addresses.

They are fetched by the guarded downloader, decoded first in a process of its own, and not kept:
what stays are their features and a thumbnail, under their SHA-256, so that a view of what is like
them has an address that works again, and shows them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from curator.collect.http.client import FetchSettings
from curator.collect.http.downloader import Wanted, download
from curator.collect.http.urls import BadAddress, normalise
from curator.collect.verification.pool import Verifiers
from curator.encode.backbones import DEFAULT, choose
from curator.encode.preprocess import prepare_image
from curator.encode.project_features import encoder
from curator.errors import InputError
from curator.files import temporary_folder
from curator.find.likeness import outside_cache
from curator.imaging.decoding import decode

if TYPE_CHECKING:
    from curator.collect.http.downloader import Outcome
    from curator.collect.verification.pool import Verdict
    from curator.store.workspace import Workspace

_NEXT = "Give another picture, or its address."


def take_in(
    workspace: Workspace, picture: str | Path | bytes, settings: FetchSettings | None = None
) -> str:
    """Compute the features of a picture; its SHA-256, by which they are found.

    ``picture``: an address that begins with http:// or https://, the path of a file, or a file's
    bytes. ``settings``: how it is fetched. Raises InputError for what is no picture or cannot be
    fetched, ProjectReadOnly, FileError, JobError, WeightsMissing, WeightsAltered.
    """
    workspace.database.require_writable()
    fetched = settings or FetchSettings()
    with temporary_folder(workspace.path) as folder:
        if isinstance(picture, str) and picture.lower().startswith(("http://", "https://")):
            name = picture
            found: Outcome | Verdict = _fetch(picture, folder, fetched)
        else:
            content = picture if isinstance(picture, bytes) else Path(picture).expanduser()
            name = "The picture" if isinstance(content, bytes) else str(content)
            found = _verify(content, folder, fetched)
        if found.image is None or found.file is None:
            raise InputError(f"{name[:200]} cannot be used: {found.detail}", _NEXT)
        workspace.thumbnails.put([(found.image.sha256, found.image.thumbnail)])
        digest, cache = found.image.sha256, outside_cache(workspace)
        if cache.missing([digest]):
            network = encoder(choose(DEFAULT, "cpu"))
            decoded = decode(folder / found.file, at_least=network.backbone.resize)
            row = network.encode(prepare_image(decoded, network.backbone)[None])
            cache.append([digest], row)
    return digest


def _fetch(address: str, folder: Path, settings: FetchSettings) -> Outcome:
    try:
        wanted = [Wanted(1, normalise(address))]
    except BadAddress as error:
        raise InputError(f"{address[:200]} is no address: {error}", _NEXT) from error
    (outcome,) = download(wanted, folder, settings, lambda: False)
    return outcome


def _verify(content: Path | bytes, folder: Path, settings: FetchSettings) -> Verdict:
    if isinstance(content, Path) and not content.is_file():
        raise InputError(f"There is no file {content}.", _NEXT)
    with Verifiers(folder, settings.min_side, count=1) as verifiers:
        return verifiers.submit(content).result()
