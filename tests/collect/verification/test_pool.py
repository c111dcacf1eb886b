"""Verifying in other processes: what is stored, and what a file can do to its process."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import CancelledError
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from curator.collect.verification import pool as module
from curator.collect.verification.pool import Verifiers
from curator.errors import FileError, JobError
from curator.hashing import sha256_of
from curator.imaging.reasons import Reason
from tests.pictures import encoded, picture


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Give a good image of 60 x 40 pixels."""
    path = tmp_path / "image"
    picture(1, 60).crop((0, 0, 60, 40)).save(path, "PNG")
    return path


@pytest.fixture
def heavy(tmp_path: Path) -> Path:
    """Give an image that takes more than a second to decode."""
    path = tmp_path / "heavy.png"
    Image.linear_gradient("L").resize((9000, 8800)).save(path, compress_level=1)
    return path


def files(folder: Path) -> list[str]:
    """List the names of all files below a folder."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_copied_file_stays(image: Path, tmp_path: Path) -> None:
    """An accepted file is stored under its hash, with its measures, and the source stays."""
    originals = tmp_path / "originals"
    with Verifiers(originals) as verifiers:
        verdict = verifiers.submit(image).result()

    assert verdict.reason is None
    assert verdict.image is not None
    assert verdict.file is not None
    assert (verdict.image.width, verdict.image.height, verdict.image.format) == (60, 40, "PNG")
    assert verdict.image.sha256 == sha256_of(image) == sha256_of(originals / verdict.file)
    assert verdict.image.thumbnail.startswith(b"\xff\xd8")
    assert verdict.bytes == image.stat().st_size


def test_a_moved_file_is_gone(image: Path, tmp_path: Path) -> None:
    """A file on its way is moved when it is accepted and removed when it is refused or known."""
    originals = tmp_path / "originals"
    copy = tmp_path / "copy"
    copy.write_bytes(image.read_bytes())
    bad = tmp_path / "bad"
    bad.write_bytes(b"nothing")
    with Verifiers(originals) as verifiers:
        answers = [verifiers.submit(path, move=True) for path in (image, copy, bad)]
        reasons = [answer.result().reason for answer in answers]

    assert reasons == [None, None, Reason.NOT_AN_IMAGE]
    assert len(files(originals)) == 1
    assert not any(path.exists() for path in (image, copy, bad))


def test_a_missing_file_is_a_verdict(tmp_path: Path) -> None:
    """A file that cannot be read is refused, and nothing else happens."""
    with Verifiers(tmp_path) as verifiers:
        assert verifiers.submit(tmp_path / "none").result().reason is Reason.UNREADABLE


def test_many_files_one_process_each(tmp_path: Path) -> None:
    """Many files given at once all have their own answer."""
    paths = []
    for number in range(40):
        path = tmp_path / f"{number}.png"
        picture(number, 32 + number).save(path)
        paths.append(path)
    with Verifiers(tmp_path / "originals", count=2) as verifiers:
        answers = [verifiers.submit(path) for path in paths]
        widths = [answer.result().image.width for answer in answers]  # type: ignore[union-attr]

    assert widths == [32 + number for number in range(40)]


@pytest.mark.slow
def test_a_file_that_takes_too_long_is_refused(
    image: Path, heavy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process is ended at the time limit, the file refused, and the next files verified."""
    monkeypatch.setattr(module, "_TICK", 0.02)
    with Verifiers(tmp_path / "originals", count=1, seconds=0.1) as verifiers:
        answers = [verifiers.submit(path) for path in (heavy, image, image)]
        verdicts = [answer.result() for answer in answers]

    assert verdicts[0].reason is Reason.BROKEN
    assert "took more than" in verdicts[0].detail
    assert [verdict.reason for verdict in verdicts[1:]] == [None, None]


@pytest.mark.slow
def test_a_file_that_kills_its_process_is_refused_alone(
    image: Path, heavy: Path, tmp_path: Path
) -> None:
    """When processes die over a file, that file is refused, and those asked with it go on."""
    with Verifiers(tmp_path / "originals", count=1) as verifiers:
        verifiers.submit(image).result()
        answers = [verifiers.submit(path) for path in (image, heavy, image, image)]
        while not answers[1].done():
            for process in list(verifiers._processes):
                if process.busy_seconds > 0.1:
                    process.kill()
            time.sleep(0.01)
        verdicts = [answer.result() for answer in answers]

    assert verdicts[1].reason is Reason.BROKEN
    assert "crashed" in verdicts[1].detail
    assert [verdicts[place].reason for place in (0, 2, 3)] == [None, None, None]


def test_full_pipes_do_not_lock(tmp_path: Path) -> None:
    """Many large contents, given at once, pass while as many large answers come back."""
    contents = []
    for number in range(60):
        grain = np.random.default_rng(number).integers(0, 256, (240, 256, 3), dtype=np.uint8)
        contents.append(encoded(Image.fromarray(grain), "BMP"))
    with Verifiers(tmp_path / "originals", count=1) as verifiers:
        answers = [verifiers.submit(content) for content in contents]
        sizes = [len(answer.result(timeout=60).image.thumbnail) for answer in answers]  # type: ignore[union-attr]

    assert min(sizes) > 20_000


@pytest.mark.slow
def test_an_idle_process_that_died_is_replaced(image: Path, tmp_path: Path) -> None:
    """A process that ended while it waited costs no file more than one."""
    with Verifiers(tmp_path / "originals", count=1, seconds=0.2) as verifiers:
        verifiers.submit(image).result()
        time.sleep(1.2)  # idle for longer than a file may take: nothing to end here
        assert verifiers.submit(image).result().reason is None


@pytest.mark.parametrize("executable", ["/nowhere/python", "/bin/false"])
def test_no_process_can_be_started(
    executable: str, image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a process there is an error with a next step, never a refused file."""
    module._kept.end_all()
    monkeypatch.setattr(sys, "executable", executable)
    with Verifiers(tmp_path) as verifiers, pytest.raises(JobError, match="start"):
        verifiers.submit(image).result()


def test_the_next_import_starts_no_process(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An idle process serves whoever comes next, by their terms: another folder, larger images."""
    with Verifiers(tmp_path / "one", count=1) as verifiers:
        verifiers.submit(image).result()
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with Verifiers(tmp_path / "two", min_side=40, count=1) as verifiers:
        assert verifiers.submit(image).result().file
    with Verifiers(tmp_path / "three", min_side=41, count=1) as verifiers:
        assert verifiers.submit(image).result().reason is Reason.TOO_SMALL
    assert (len(files(tmp_path / "two")), (tmp_path / "three").exists()) == (1, False)


def test_an_idle_process_ends_soon(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is kept for the next import is ended when none comes."""
    monkeypatch.setattr(module, "_KEPT_SECONDS", 0.01)
    module._kept.end_all()
    with Verifiers(tmp_path / "originals", count=1) as verifiers:
        verifiers.submit(image).result()
        [process] = verifiers._processes
    process._process.wait(60)
    assert module._kept.take() is None


def test_closing_cancels_what_is_left(heavy: Path, tmp_path: Path) -> None:
    """Closing ends the processes at once and cancels what is not verified."""
    module._kept.end_all()
    verifiers = Verifiers(tmp_path / "originals", count=1)
    answers = [verifiers.submit(heavy) for _ in range(3)]
    verifiers.close()

    for answer in answers:
        with pytest.raises(CancelledError):
            answer.result()
    assert files(tmp_path / "originals") == []
    assert module._kept.take() is None  # it was at work, so it is not handed on


@pytest.mark.skipif(os.name != "posix", reason="permissions of folders are POSIX")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_refuses(image: Path, tmp_path: Path) -> None:
    """A folder that cannot be written is the disk's error, not the file's."""
    originals = tmp_path / "originals"
    originals.mkdir(mode=0o500)
    with Verifiers(originals) as verifiers, pytest.raises(FileError, match="could not be written"):
        verifiers.submit(image).result()


def test_originals_that_are_a_file(image: Path, tmp_path: Path) -> None:
    """Where no folder can be made the error names the place and the next step."""
    originals = tmp_path / "originals"
    originals.write_bytes(b"")
    with Verifiers(originals) as verifiers, pytest.raises(FileError, match="Free some space"):
        verifiers.submit(image).result()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space")
def test_memory_is_limited() -> None:
    """A process under the limit gets a MemoryError instead of the machine's memory."""
    code = (
        "from curator.platform import limit_memory\n"
        "limit_memory(1 << 30)\n"
        "try: bytearray(2 << 30)\n"
        "except MemoryError: print('refused')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "refused"


@pytest.mark.slow
def test_a_script_without_a_guard(tmp_path: Path) -> None:
    """A plain script may import and fetch at its top level: it is not run a second time."""
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from curator.collect.verification.pool import Verifiers\n"
        "print('begin')\n"
        f"with Verifiers(Path({str(tmp_path)!r}) / 'originals') as verifiers:\n"
        "    print(verifiers.submit(Path('missing')).result().reason)\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["begin", "unreadable"]
