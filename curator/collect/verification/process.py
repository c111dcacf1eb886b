"""The process that decodes files: its two ends, and what they say to each other.

This module verifies them; another may do something else with them, by :func:`work`.

Questions are a line of JSON and the bytes of small files; an answer is a line of JSON and the bytes
of a thumbnail or of pixels, never a pickle: a process that a hostile image took over must not take
over its parent. The process does not go through ``multiprocessing``, which would run a caller's
script a second time.
"""

from __future__ import annotations

import builtins
import contextlib
import functools
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from curator.errors import FileError, JobError
from curator.files import put_once
from curator.imaging.decoding import Rejected
from curator.imaging.inspection import VerifiedImage, verify
from curator.imaging.reasons import Reason
from curator.platform import limit_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    # Judges a file, to be moved or not: the answer's JSON, and the bytes that go with it.
    Judge: TypeAlias = "Callable[[Path | bytes, bool], tuple[dict[str, Any], bytes]]"

MEMORY = 3 << 30  # bytes of address space; the largest image that is decoded takes about half
_BUFFER = 1 << 20  # bytes of answers that are sent in one go
_SLOW = 0.05  # seconds; the answer of a file that took longer does not wait for others
# Pages of memory that one picture was in serve the next; by default each is given back in between.
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": str(16 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "PILLOW_BLOCKS_MAX": "4",
}

_Question: TypeAlias = tuple[Path | bytes, bool]  # the file, and whether to move it


@dataclass(frozen=True)
class Verdict:
    """What verifying found: ``image`` and its ``file`` below the originals, or a ``reason``.

    ``bytes``: size of the file that was verified; ``pixels``: what a process for something else
    than verifying makes of the image.
    """

    image: VerifiedImage | None
    file: str | None
    reason: Reason | None
    detail: str
    bytes: int
    pixels: builtins.bytes = b""


class VerifyingProcess:
    """The parent's end. Questions are answered in their order; several may be on their way.

    ``module``: whose ``main`` is the process's end; ``place``: what it is told first, as JSON.
    """

    def __init__(self, place: Mapping[str, Any], module: str = __name__) -> None:
        self.late = False
        self._since: float | None = None  # when it began with its present file
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 -- closed in `end`
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- this interpreter, this module
                [sys.executable, "-P", "-c", f"from {module} import main; main()"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                bufsize=_BUFFER,
                env={
                    **os.environ,
                    **_ENVIRONMENT,
                    "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                },
            )
        except OSError as error:
            self._said.close()
            raise JobError(
                f"No process to verify images could be started: {error.strerror or error}.",
                "Close other programs and start again.",
            ) from error
        self._place = dict(place)

    def wait_until_ready(self) -> None:
        """Wait for the process to say so. Raises JobError when it cannot start."""
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._write(self._place)
        if self._process.stdout.readline() == b"ready\n":
            return
        self._process.wait()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        raise JobError(
            "The process that verifies images could not start"
            f" ({said[-1] if said else f'status {self._process.returncode}'}).",
            "Free some memory and start again; if it stays, install the curator anew.",
        )

    def ask(self, questions: Sequence[_Question]) -> None:
        """Ask about files or bytes, each with whether to move it. Raises OSError at its death."""
        if self._since is None:
            self._since = time.monotonic()
        asked = [
            {"bytes": len(content)} if isinstance(content, bytes) else {"path": str(content)}
            for content, _ in questions
        ]
        given = [content for content, _ in questions if isinstance(content, bytes)]
        self._write({"contents": asked, "moves": [move for _, move in questions]}, *given)

    def answer(self) -> Verdict | FileError:
        """Wait for the next answer: a verdict, or how the disk refused. Raises EOFError."""
        stream = self._process.stdout
        assert stream is not None
        header = stream.readline()
        if not header.endswith(b"\n"):
            raise EOFError
        said = json.loads(header)
        payload = stream.read(said["payload"])
        self._since = time.monotonic()
        if said["error"]:
            return FileError(*said["error"])
        reason = said["reason"] and Reason(said["reason"])
        image = said["image"] and VerifiedImage(**said["image"], thumbnail=payload)
        pixels = b"" if image else payload
        return Verdict(image, said["file"], reason, said["detail"], said["bytes"], pixels)

    def rest(self) -> None:
        """Note that no question is open."""
        self._since = None

    @property
    def busy_seconds(self) -> float:
        """How long it has been with its present file; 0 when no question is open."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def kill_if_late(self, seconds: float) -> None:
        """End the process when its present file takes longer than ``seconds``."""
        if self.busy_seconds > seconds:
            self.late = True
            self.kill()

    def kill(self) -> None:
        """End the process at once; a wait for its answer ends too."""
        self._process.kill()

    def end(self) -> None:
        """End the process and let go of the pipes."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()

    def _write(self, message: dict[str, Any], *contents: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b"".join((json.dumps(message).encode(), b"\n", *contents)))
        self._process.stdin.flush()


def main() -> None:
    """The process's end: verify one file after another until the parent closes the pipe."""
    work(_verifying)


def work(judging: Callable[[dict[str, Any]], Judge]) -> None:
    """Judge one file after another until the parent closes the pipe.

    ``judging`` is given the parent's ``place``.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent to handle
    # Libraries may print; only answers may reach the parent.
    answers = os.fdopen(os.dup(1), "wb", buffering=_BUFFER)
    os.dup2(2, 1)
    limit_memory(MEMORY)
    questions = sys.stdin.buffer
    judge = judging(json.loads(questions.readline()))
    answers.write(b"ready\n")
    answers.flush()
    asked: queue.SimpleQueue[list[_Question] | None] = queue.SimpleQueue()
    # In a thread of its own: the parent, while it asks, does not read answers, and two that only
    # write to each other would wait for ever.
    threading.Thread(target=_listen, args=(questions, asked), daemon=True).start()
    while batch := asked.get():
        for content, move in batch:
            began = time.monotonic()
            _say(answers, *judge(content, move))
            if time.monotonic() - began > _SLOW:
                answers.flush()
        answers.flush()


def _listen(questions: IO[bytes], asked: queue.SimpleQueue[list[_Question] | None]) -> None:
    while line := questions.readline():
        said = json.loads(line)
        asked.put(
            [
                (questions.read(item["bytes"]) if "bytes" in item else Path(item["path"]), move)
                for item, move in zip(said["contents"], said["moves"], strict=True)
            ]
        )
    asked.put(None)


def _say(answers: IO[bytes], said: dict[str, Any], payload: bytes) -> None:
    empty = {"image": None, "file": None, "reason": None, "detail": "", "bytes": 0, "error": None}
    header = {**empty, **said, "payload": len(payload)}
    answers.write(json.dumps(header).encode() + b"\n" + payload)


def content_of(file: Path | bytes) -> bytes:
    """The bytes of a file. Raises :class:`~curator.imaging.decoding.Rejected`."""
    try:
        return file if isinstance(file, bytes) else file.read_bytes()
    except OSError as error:
        raise Rejected(Reason.UNREADABLE, f"{file!s}: {error.strerror}.") from error
    except MemoryError as error:
        raise Rejected(Reason.TOO_BIG, "The file does not fit into memory.") from error


def _verifying(place: dict[str, Any]) -> Judge:
    originals = Path(place["originals"])
    return functools.partial(_judge, originals=originals, min_side=place["min_side"])


def _judge(
    content: Path | bytes, move: bool, originals: Path, min_side: int
) -> tuple[dict[str, Any], bytes]:
    """Read, verify and store one file; give the answer's JSON and the thumbnail."""
    data = b""
    try:
        data = content_of(content)
        image = verify(data, min_side)
        source = content if move and isinstance(content, Path) else None
        file = put_once(originals, data, image.sha256 + image.suffix, source)
    except Rejected as rejected:
        return {"reason": rejected.reason, "detail": rejected.detail, "bytes": len(data)}, b""
    except FileError as error:
        return {"error": [error.problem, error.fix]}, b""
    facts = dict(vars(image))
    thumbnail = facts.pop("thumbnail")
    return {"image": facts, "file": file, "bytes": len(data)}, thumbnail
