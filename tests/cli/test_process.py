"""The command line as a shell sees it: status, streams, pipes and Ctrl+C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from curator.project import Project
from curator.sample.digits import Item
from curator.sample.server import serving
from tests.pictures import encoded, picture

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # starts processes or loads whole networks


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "curator", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **options,
    )


def test_a_list_from_standard_input(tmp_path: Path) -> None:
    """``-`` reads addresses in UTF-8 from a pipe, whatever the terminal's encoding is."""
    Project.create(tmp_path / "p", ["a"]).close()
    environment = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    child = start(
        "add", tmp_path / "p", "--class", "a", "-", "--json", stdin=subprocess.PIPE, env=environment
    )
    text = "https://example.org/b\u00e4r.jpg\nhttps://example.org/2.jpg\n"
    assert child.stdin is not None
    child.stdin.reconfigure(encoding="utf-8")  # type: ignore[attr-defined]
    out, err = child.communicate(text, timeout=60)
    assert (child.returncode, err) == (0, "")
    assert json.loads(out)[0]["new"] == 2
    with Project.open(tmp_path / "p") as project, project.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT origin FROM sources ORDER BY id").all()
    assert rows[0][0] == "https://example.org/b%C3%A4r.jpg"


def test_exit_status_of_the_process(sample_folder: Path, tmp_path: Path) -> None:
    """0 done, 1 failed, 2 wrong use: as a shell sees it, with nothing but the sentence."""
    Project.create(tmp_path / "p", ["a"]).close()
    for arguments, status in [
        (["log", sample_folder], 0),
        (["rank", tmp_path / "p"], 1),
        (["status", tmp_path], 2),
    ]:
        child = start(*arguments)
        out, err = child.communicate(timeout=60)
        assert child.returncode == status
        assert bool(out) == (status == 0)
        assert err.startswith("Error: ") or status == 0
        assert err.count("\n") == (status != 0)


@pytest.mark.parametrize(
    "arguments", [["rank"], ["rank", "--csv", "-"], ["rank", "--json"], ["log"]]
)
@pytest.mark.skipif(os.name != "posix", reason="a closed pipe shows differently on Windows")
def test_a_reader_may_stop_reading(arguments: list[str], sample_folder: Path) -> None:
    """When `head` has seen enough, the command ends in peace."""
    child = start(arguments[0], sample_folder, *arguments[1:])
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.close()
    err = child.stderr.read()
    assert (child.wait(timeout=60), err) == (0, "")
    child.stderr.close()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is sent the POSIX way")
def test_ctrl_c_keeps_what_was_fetched(tmp_path: Path) -> None:
    """Interrupted in the middle, a fetch says so, keeps its images, and goes on when run again."""
    items = [
        Item(f"/{n}.png", "a", None, "slow", encoded(picture(n)), delay=0.1 if n < 15 else 5.0)
        for n in range(20)
    ]
    with serving(items) as served, Project.create(tmp_path / "p", ["a"]) as project:
        project.add("a", "\n".join(served.addresses("a")))
        child = start("fetch", project.path, "--allow-private", "--threads", 4)
        for _ in range(600):
            if project.status().addresses.fetched >= 10:
                break
            with pytest.raises(subprocess.TimeoutExpired):
                child.wait(timeout=0.1)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out) == (1, "")
        assert err == "Error: Interrupted. What was done so far is kept; run it again to go on.\n"
        counts = project.status().addresses
        assert 10 <= counts.fetched < 20
        assert counts.fetched + counts.pending == 20


def test_debugging_shows_the_traceback(tmp_path: Path) -> None:
    """With CURATOR_DEBUG set, an error comes with the place where it was raised."""
    child = start("status", tmp_path, env=os.environ | {"CURATOR_DEBUG": "1"})
    _, err = child.communicate(timeout=60)
    assert child.returncode == 1
    assert "Traceback" in err
    assert "NotAProject" in err
