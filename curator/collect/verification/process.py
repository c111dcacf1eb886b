"""The process that decodes files: its two ends, and what they say to each other.

This module verifies them; another may do something else with them, by :func:`work`.

Questions are a line of JSON and the bytes of small files; an answer is a line of JSON and the bytes
of a thumbnail and of pixels, never a pickle: a process that a hostile image took over must not take
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
from curator.imaging.inspection import VerifiedImage, View, verify
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
_Batch: TypeAlias = tuple[list[_Question], dict[str, Any]]  # questions and their terms


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

    ``module``: whose ``main`` is the process's end.
    """

    def __init__(self, module: str = __name__) -> None:
        self.module = module
        self.late = False
        self._ready = False
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

    def wait_until_ready(self) -> None:
        """Wait for the process to say so. Raises JobError when it cannot start."""
        assert self._process.stdout is not None
        self._ready = self._ready or self._process.stdout.readline() == b"ready\n"
        if self._ready:
            return
        self._process.wait()
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().splitlines()
        raise JobError(
            "The process that verifies images could not start"
            f" ({said[-1] if said else f'status {self._process.returncode}'}).",
            "Free some memory and start again; if it stays, install the curator anew.",
        )

    def begin(self) -> None:
        """Note that questions are about to be asked."""
        if self._since is None:
            self._since = time.monotonic()

    def ask(self, questions: Sequence[_Question], terms: Mapping[str, Any]) -> None:
        """Ask about files or bytes, each with whether to move it, on the ``terms`` of the module.

        ``terms`` are anything that goes into JSON. Raises OSError at the process's death.
        """
        asked = [
            {"bytes": len(content)} if isinstance(content, bytes) else {"path": str(content)}
            for content, _ in questions
        ]
        given = [content for content, _ in questions if isinstance(content, bytes)]
        message = {
            "contents": asked,
            "moves": [move for _, move in questions],
            "terms": dict(terms),
        }
        self._write(message, *given)

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
        facts, length = said["image"], said["thumbnail"]
        image = facts and VerifiedImage(**facts, thumbnail=payload[:length], view=payload[length:])
        pixels = b"" if image else payload
        return Verdict(image, said["file"], reason, said["detail"], said["bytes"], pixels)

    def rest(self) -> None:
        """Note that no question is open."""
        self._since = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a question."""
        return self._ready and self._since is None and self._process.poll() is None

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

    ``judging`` makes a judge on the terms of a question; it is asked again when they change.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the parent to handle
    # Libraries may print; only answers may reach the parent.
    answers = os.fdopen(os.dup(1), "wb", buffering=_BUFFER)
    os.dup2(2, 1)
    limit_memory(MEMORY)
    questions = sys.stdin.buffer
    answers.write(b"ready\n")
    answers.flush()
    asked: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
    # In a thread of its own: the parent, while it asks, does not read answers, and two that only
    # write to each other would wait for ever.
    threading.Thread(target=_listen, args=(questions, asked), daemon=True).start()
    last: dict[str, Any] | None = None
    while batch := asked.get():
        questions_of, terms = batch
        if terms != last:
            judge, last = judging(terms), terms
        for content, move in questions_of:
            began = time.monotonic()
            _say(answers, *judge(content, move))
            if time.monotonic() - began > _SLOW:
                answers.flush()
        answers.flush()


def _listen(questions: IO[bytes], asked: queue.SimpleQueue[_Batch | None]) -> None:
    while line := questions.readline():
        said = json.loads(line)
        batch: list[_Question] = [
            (questions.read(item["bytes"]) if "bytes" in item else Path(item["path"]), move)
            for item, move in zip(said["contents"], said["moves"], strict=True)
        ]
        asked.put((batch, said["terms"]))
    asked.put(None)


def _say(answers: IO[bytes], said: dict[str, Any], payload: bytes) -> None:
    empty = {"image": None, "file": None, "reason": None, "detail": "", "bytes": 0, "error": None}
    header = {**empty, "thumbnail": 0, **said, "payload": len(payload)}
    answers.write(json.dumps(header).encode() + b"\n" + payload)


def content_of(file: Path | bytes) -> bytes:
    """The bytes of a file. Raises :class:`~curator.imaging.decoding.Rejected`."""
    try:
        return file if isinstance(file, bytes) else file.read_bytes()
    except OSError as error:
        raise Rejected(Reason.UNREADABLE, f"{file!s}: {error.strerror}.") from error
    except MemoryError as error:
        raise Rejected(Reason.TOO_BIG, "The file does not fit into memory.") from error


def _verifying(terms: dict[str, Any]) -> Judge:
    name, view = terms["seen_by"], None
    if name is not None:
        # Not before it is asked for: the process starts in a third of a second less.
        from curator.encode.preprocess import view_of

        view = view_of(name)
    return functools.partial(
        _judge,
        originals=Path(terms["originals"]),
        min_side=terms["min_side"],
        view=view,
    )


def _judge(
    content: Path | bytes, move: bool, originals: Path, min_side: int, view: View | None
) -> tuple[dict[str, Any], bytes]:
    """Read, verify and store one file; give the answer's JSON, the thumbnail and the view."""
    data = b""
    try:
        data = content_of(content)
        image = verify(data, min_side, view)
        source = content if move and isinstance(content, Path) else None
        file = put_once(originals, data, image.sha256 + image.suffix, source)
    except Rejected as rejected:
        return {"reason": rejected.reason, "detail": rejected.detail, "bytes": len(data)}, b""
    except FileError as error:
        return {"error": [error.problem, error.fix]}, b""
    facts = dict(vars(image))
    thumbnail, viewed = facts.pop("thumbnail"), facts.pop("view")
    answer = {"image": facts, "thumbnail": len(thumbnail), "file": file, "bytes": len(data)}
    return answer, thumbnail + viewed
