"""Pictures that a model is asked about: files, folders, and addresses from the web.

Addresses are fetched and verified as those of a project are (:mod:`curator.collect`), into a
temporary folder that goes with them. What gives no picture is named and stops no other.
"""

from __future__ import annotations

import itertools
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from curator.encode.graphs import CPU_BATCH
from curator.errors import InputError
from curator.imaging.decoding import SUFFIXES, Rejected, decode
from curator.platform import cpu_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from curator.deliver.predict import Answer, Predictor

ADDRESSES = ("http://", "https://")
_SUFFIXES = {*SUFFIXES.values(), ".jpeg", ".jfif", ".tif", ".dib", ".pgm", ".pbm", ".pnm"}
_AHEAD = 8 * CPU_BATCH  # pictures decoded before they are asked about

_Ready = tuple[str, "NDArray[np.uint8] | str"]  # a name, and pixels or what is wrong


@dataclass(frozen=True)
class Asked:
    """One picture by its name: what the model says of it, or why it says nothing."""

    image: str
    answer: Answer | None
    error: str = ""

    def to_dict(self) -> dict[str, object]:
        """As JSON: ``image`` with the answer's fields, or with ``error``."""
        return {
            "image": self.image,
            **({"error": self.error} if self.answer is None else self.answer.to_dict()),
        }


@dataclass(frozen=True)
class Inputs:
    """What to ask about: picture files in order, and addresses."""

    files: tuple[Path, ...]
    addresses: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()
    """Lines of a list that are no address, with what is wrong with them."""

    def __len__(self) -> int:
        return len(self.files) + len(self.addresses) + len(self.refused)


def inputs(given: Sequence[str], lists: Sequence[Path] = ()) -> Inputs:
    """Sort out what was given: files, folders (all pictures below) and http(s) addresses.

    ``lists``: files with addresses in any form that a project takes. Raises BadList, and
    InputError for a folder without pictures.
    """
    files: list[Path] = []
    addresses = [text for text in given if text.lower().startswith(ADDRESSES)]
    refused: list[tuple[str, str]] = []
    for text in given:
        path = Path(text)
        if text.lower().startswith(ADDRESSES):
            continue
        if path.is_dir():
            below = sorted(each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES)
            if not below:
                raise InputError(f"{path} holds no pictures.", "Name a folder that does.")
            files += [each for each in below if each.is_file()]
        else:
            files.append(path)
    if lists:
        from curator.collect.lists import read_list

        for each in lists:
            listed = read_list(each)
            addresses += [address.url for address in listed.addresses]
            refused += [(line.text, line.problem) for line in listed.refused]
    return Inputs(tuple(files), tuple(addresses), tuple(refused))


def ask(predictor: Predictor, asked: Inputs, *, allow_private: bool = False) -> Iterator[Asked]:
    """What the model says of each picture: files in their order, addresses as they come.

    Memory does not grow with their number. ``allow_private``: fetch from private networks, too.
    """
    yield from (Asked(name, None, problem) for name, problem in asked.refused)
    yield from _answers(predictor, _files(predictor, asked.files))
    if asked.addresses:
        with tempfile.TemporaryDirectory(prefix="curator-") as folder:
            fetched = _fetched(predictor, asked.addresses, Path(folder), allow_private)
            yield from _answers(predictor, fetched, at_once=1)


def _answers(
    predictor: Predictor, ready: Iterable[_Ready], at_once: int = CPU_BATCH
) -> Iterator[Asked]:
    """Ask about pictures a batch at a time."""
    waiting = iter(ready)
    while batch := list(itertools.islice(waiting, at_once)):
        pixels = [each for _, each in batch if not isinstance(each, str)]
        said = iter(predictor.judge(predictor.ask(np.stack(pixels))) if pixels else ())
        for name, each in batch:
            yield Asked(name, None, each) if isinstance(each, str) else Asked(name, next(said))


def _files(predictor: Predictor, files: Sequence[Path]) -> Iterator[_Ready]:
    """Decode files ahead, in threads."""
    with ThreadPoolExecutor(cpu_count(), thread_name_prefix="decode") as pool:
        waiting: deque[tuple[str, Future[NDArray[np.uint8] | str]]] = deque()
        for path in files:
            waiting.append((str(path), pool.submit(_pixels, predictor, path)))
            if len(waiting) >= _AHEAD:
                name, future = waiting.popleft()
                yield name, future.result()
        while waiting:
            name, future = waiting.popleft()
            yield name, future.result()


def _pixels(predictor: Predictor, path: Path) -> NDArray[np.uint8] | str:
    """The pixels that the model sees of a file, or why there are none."""
    try:
        return predictor.prepare(decode(path, at_least=predictor.resize))
    except Rejected as error:
        return error.detail
    except OSError as error:
        return str(error)


def _fetched(
    predictor: Predictor, addresses: Sequence[str], folder: Path, allow_private: bool
) -> Iterator[_Ready]:
    """Fetch addresses; each file is removed once its pixels are there."""
    from curator.collect.http.client import FetchSettings
    from curator.collect.http.downloader import Wanted, download

    settings = FetchSettings(allow_private=allow_private, min_side=1)
    wanted = (Wanted(key, url) for key, url in enumerate(addresses))
    for outcome in download(wanted, folder, settings, lambda: False):
        if outcome.file is None:
            yield outcome.url, outcome.detail
            continue
        yield outcome.url, _pixels(predictor, folder / outcome.file)
