"""Where shards lie between the machines: a folder, or any place that fsspec knows.

A shard appears whole or not at all: in a store of objects it does anyway, elsewhere it is renamed.
"""

from __future__ import annotations

import contextlib
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import FileError, InputError, PackageMissing
from curator.files import TEMPORARY_PREFIX, temporary_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHARD = re.compile(r"[0-9a-f]{64}\.tar")
_OF_OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss"})


def absolute(place: str) -> str:
    """A folder's path from the root, since other processes have other current folders."""
    return place if "://" in place else str(Path(place).expanduser().absolute())


class Place:
    """A folder of shards. Raises FileError where it cannot be used, InputError for no address."""

    def __init__(self, address: str) -> None:
        try:
            import fsspec

            self._files, self._root = fsspec.core.url_to_fs(address)
        except ImportError as error:
            raise PackageMissing(
                f"{address} needs a package that is not installed: {error}.",
                "Install it with pip on every machine: s3fs for s3://, gcsfs for gs://; "
                "'image-curator[cluster]' brings fsspec itself.",
            ) from error
        except ValueError as error:
            raise InputError(
                f"{address} is no place for shards: {error}.",
                "Name a folder, or an address such as s3://bucket/prefix.",
            ) from error
        self.address = address
        protocol = self._files.protocol
        names = {protocol} if isinstance(protocol, str) else set(protocol)
        self._of_objects = bool(names & _OF_OBJECTS)

    def names(self) -> list[str]:
        """The shards that lie there, by name; what was not finished is removed."""
        with self._using():
            self._files.invalidate_cache()
            if not self._files.exists(self._root):
                return []
            found = [str(path).rpartition("/")[2] for path in self._files.ls(self._root, False)]
            for name in found:
                if name.startswith(TEMPORARY_PREFIX):
                    self._files.rm_file(f"{self._root}/{name}")
        return sorted(name[:-4] for name in found if _SHARD.fullmatch(name))

    def has(self, name: str) -> bool:
        """Whether that shard is there."""
        with self._using():
            self._files.invalidate_cache()
            return bool(self._files.exists(self._path(name)))

    def put(self, file: Path, name: str) -> None:
        """Make a file the shard of that name; one that is there is replaced."""
        with self._using():
            if self._of_objects:  # a bucket that is not there is a mistake, not one to be made
                self._files.put_file(str(file), self._path(name))
                return
            self._files.makedirs(self._root, exist_ok=True)
            part = f"{self._root}/{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
            self._files.put_file(str(file), part)
            self._files.mv(part, self._path(name))

    @contextlib.contextmanager
    def opened(self, name: str, scratch: Path) -> Iterator[Path]:
        """The shard as a file on this machine: itself, or a copy below ``scratch`` for a while.

        Raises FileNotFoundError when it is not there.
        """
        with contextlib.ExitStack() as stack:
            with self._using(missing_is_news=True):
                if self._is_local:
                    path = Path(self._path(name))
                    path.stat()
                else:
                    path = stack.enter_context(temporary_folder(scratch)) / "shard.tar"
                    self._files.get_file(self._path(name), str(path))
            yield path

    def remove(self, name: str) -> None:
        """Remove that shard, if it is there, and the folder with the last one."""
        with self._using(), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))
            if self._is_local:
                with contextlib.suppress(OSError):
                    Path(self._root).rmdir()

    @property
    def _is_local(self) -> bool:
        import fsspec

        return isinstance(self._files, fsspec.implementations.local.LocalFileSystem)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}.tar"

    @contextlib.contextmanager
    def _using(self, missing_is_news: bool = False) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            if missing_is_news:
                raise
            raise self._failed(error) from error
        except (FileError, InputError, PackageMissing):
            raise
        except Exception as error:  # each store has errors of its own
            raise self._failed(error) from error

    def _failed(self, error: Exception) -> FileError:
        said = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return FileError(
            f"Shards cannot be kept in {self.address}: {said}.",
            "Name a place with --place that every machine may write to, and set up its keys there.",
        )
