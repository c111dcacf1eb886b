"""Weight files on disk: downloaded once, verified, kept as safetensors.

They lie in ``weights/`` of the cache folder. A file ``NAME.safetensors`` counts only with its
record ``NAME.json`` beside it, which holds its SHA-256 and is written last: a kill leaves a file
that is not used, and a part file that the next call goes on with. A lock keeps two processes from
fetching the same file. A file that a user put there by hand under the name of the download is
taken as if it had been downloaded, and left where it is.

The record also holds the SHA-256 of the file as it came. Where no hash was known beforehand (timm's
weights), this one counts from then on, also when the file is altered or deleted later: only who
deletes the record takes another file.

torchvision's files are pickles; they are read once, by torch's reader that runs no code.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from curator.encode.derived import cache_folder, cache_unusable
from curator.errors import WeightsAltered, WeightsMissing
from curator.files import write_atomic
from curator.hashing import sha256_of
from curator.platform import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable

MEGABYTE = 10**6
LOCK_SECONDS = 0.5
"""How often a process that waits for another's download looks whether it should stop."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightSource:
    """Where a backbone's weights come from, and how they are recognised."""

    name: str
    """The backbone's name, for messages."""
    file: str
    """Name of the file as downloaded, unique among all backbones: ``.safetensors`` or ``.pth``."""
    address: str
    """Where it is downloaded from."""
    sha256: str
    """All 64 hex digits of the file's SHA-256, in lower case; empty when not known."""
    size: int
    """Bytes of the download, about; 0 when not known."""
    replaceable: bool = True
    """Whether another network does as well."""

    def is_file_of(self, sha256: str) -> bool:
        """Whether a file with this hash is the one described; any, when its hash is not known."""
        return self.sha256 in {sha256, ""}


def weights_folder() -> Path:
    """Where weight files are kept, and may be put by hand."""
    return cache_folder() / "weights"


def stored_path(source: WeightSource) -> Path:
    """The safetensors file that a backbone is loaded from, whether it is there or not."""
    return (weights_folder() / source.file).with_suffix(".safetensors")


def on_disk(source: WeightSource) -> bool:
    """Whether the weights were fetched. Cheap: sizes are compared, hashes are not."""
    record, path = _record(source), stored_path(source)
    return record is not None and path.is_file() and path.stat().st_size == record["bytes"]


def recorded_sha256(source: WeightSource) -> str | None:
    """SHA-256 of the file as it first came, be it still there or not; None when it never came."""
    record = _record(source)
    return str(record["source_sha256"]) if record else None


def put_by_hand(source: WeightSource) -> bool:
    """Whether a file lies in the folder that was not taken in yet."""
    return not on_disk(source) and (weights_folder() / source.file).is_file()


def stored_weights(source: WeightSource) -> Path:
    """The file, its hash checked. Raises WeightsMissing or WeightsAltered; downloads nothing."""
    path, record = stored_path(source), _record(source)
    if record is None or not path.is_file():
        raise missing(source, "they were not fetched yet")
    if sha256_of(path) != record["sha256"]:
        raise WeightsAltered(
            f"{path} was altered: its SHA-256 is not the one recorded when it was fetched.",
            "Delete it, then run it again: it is downloaded again.",
        )
    return path


def fetch(
    source: WeightSource,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    note: Callable[[str], None] = lambda _text: None,
) -> Path:
    """Have the weights on disk, verified, and give their file.

    ``progress`` gets (bytes so far, bytes in all or 0) while they are downloaded; what it raises
    ends the download, which a later call goes on with. ``note`` gets a sentence for the user when
    a file was altered on disk.

    Raises WeightsMissing (no network and no file), WeightsAltered (the file is another one),
    FileError (the cache folder cannot be used).
    """
    path = stored_path(source)
    if _intact(source):
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path.with_suffix(".lock"))
        while True:
            try:
                lock.acquire(timeout=LOCK_SECONDS)
                break
            except Timeout:
                part = _part(source)
                progress(part.stat().st_size if part.exists() else 0, source.size)
        try:
            if not _intact(source):
                _obtain(source, progress, note)
        finally:
            lock.release()
    except OSError as error:
        raise cache_unusable(path.parent, error) from error
    return path


def missing(source: WeightSource, why: str) -> WeightsMissing:
    """The error that names the file, its address and the folder."""
    bundled = "; or use the bundled backbone efficientnet_lite0, which needs no download"
    return WeightsMissing(
        f"The weights of {source.name} are not on disk and could not be downloaded ({why}).",
        f"Connect to the network and run it again; or download {source.address} elsewhere and put"
        f" it into {weights_folder()} as {source.file}{bundled if source.replaceable else ''}.",
    )


def _obtain(
    source: WeightSource,
    progress: Callable[[int, int], None],
    note: Callable[[str], None],
) -> None:
    """Take the file from the folder or from the network. The lock is held."""
    path, part = stored_path(source), _part(source)
    if _record(source) is not None and path.exists():  # fetched once, and not what it was
        said = f"{path} was altered on disk; it was fetched again."
        _log.warning(said)
        note(said)
        path.unlink()
    by_hand = path.with_name(source.file)
    if by_hand.is_file():
        found = sha256_of(by_hand)
        if not source.is_file_of(found):
            raise WeightsAltered(
                f"{by_hand} has SHA-256 {found}, not {source.sha256}: it is incomplete or another"
                " file.",
                f"Delete it, and copy {source.address} once more or let it be downloaded.",
            )
        _keep(source, by_hand, found)
        return
    resumed = part.exists()
    while True:
        # Here, as the page asks what is on disk and never downloads: requests takes its time.
        from curator.encode.downloading import DownloadFailed, download

        try:
            download(source.address, part, progress, expected=source.size)
        except DownloadFailed as error:
            raise missing(source, f"{source.address}: {error}") from error
        found = sha256_of(part)
        if source.is_file_of(found):
            break
        part.unlink()
        if not resumed:
            raise WeightsAltered(
                f"The file at {source.address} has SHA-256 {found}, not {source.sha256}: it was"
                " altered on the way or at its source. It was thrown away.",
                f"Run it again later, or use another network.{_how_to_take_another(source)}",
            )
        resumed = False  # the part may have been of another version: once more, from the start
    _keep(source, part, found)
    part.unlink(missing_ok=True)


def _how_to_take_another(source: WeightSource) -> str:
    if recorded_sha256(source) is None:
        return ""
    return (
        " If its publisher replaced it on purpose, delete"
        f" {_record_path(source)}, which holds the hash of the first download."
    )


def _keep(source: WeightSource, file: Path, found: str) -> None:
    """Store a verified file as safetensors, then its record."""
    path = stored_path(source)
    if source.file.endswith(".safetensors"):
        _refuse_torn(file)
        if file != path:
            os.replace(file, path)
    else:
        _convert(file, path)
    sync_folder(path.parent)
    record = {
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
        "address": source.address,
        "source_sha256": found,
    }
    write_atomic(_record_path(source), json.dumps(record, indent=2).encode())


def _refuse_torn(file: Path) -> None:
    """A safetensors file knows its length; one without a known hash is checked by that."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np"):
            pass
    except SafetensorError as error:
        raise WeightsAltered(
            f"{file} is no whole safetensors file: {error}.", "Delete it, then run it again."
        ) from error


def _convert(file: Path, path: Path) -> None:
    """A state dict saved by torch, as safetensors. Imports torch."""
    import torch
    from safetensors.torch import save_file

    try:
        state: Any = torch.load(file, map_location="cpu", weights_only=True)
        tensors = {str(name): tensor.contiguous() for name, tensor in state.items()}
    except OSError:
        raise
    except Exception as error:  # readers of altered files raise nearly everything
        raise WeightsAltered(
            f"{file} holds no weights that torch can read: {type(error).__name__}.",
            "Delete it, then run it again.",
        ) from error
    # One name, written under the lock: what a kill leaves is overwritten by the next call.
    unfinished = path.with_suffix(".unfinished")
    save_file(tensors, unfinished)
    with unfinished.open("rb+") as stream:
        os.fsync(stream.fileno())
    os.replace(unfinished, path)


def _part(source: WeightSource) -> Path:
    return weights_folder() / f"{source.file}.part"


def _record_path(source: WeightSource) -> Path:
    return stored_path(source).with_suffix(".json")


def _record(source: WeightSource) -> dict[str, Any] | None:
    try:
        record = json.loads(_record_path(source).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    known = isinstance(record, dict) and {"sha256", "bytes", "source_sha256"} <= record.keys()
    # Another version of the file than the one asked for is as good as none.
    return record if known and source.is_file_of(str(record["source_sha256"])) else None


def _intact(source: WeightSource) -> bool:
    record = _record(source)
    return (
        record is not None
        and on_disk(source)
        and sha256_of(stored_path(source)) == record["sha256"]
    )
