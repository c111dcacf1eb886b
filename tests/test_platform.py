"""Commands that people paste arrive as they were; what a disk cannot do is tried once."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from curator import platform
from curator.platform import quoted_for_windows, shell_command

if TYPE_CHECKING:
    from pathlib import Path

PATHS = ["plain", "with blank", "it's", '$HOME `id` "x" \\', "a;b&c|d>e", "(bär)", "~", "*"]


@pytest.mark.skipif(sys.platform == "win32", reason="cmd.exe is not a POSIX shell")
def test_a_pasted_command_gets_the_words_as_they_are() -> None:
    """A shell hands over exactly the words that the command was made of."""
    say = "import json, sys; print(json.dumps(sys.argv[1:]))"
    line = shell_command(sys.executable, "-c", say, *PATHS)
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout) == PATHS


def test_windows_quotes_what_is_not_plain() -> None:
    """Blanks, ampersands and brackets stand in marks, and a last backslash takes none along."""
    assert quoted_for_windows(r"C:\data\bears") == r"C:\data\bears"
    assert quoted_for_windows(r"C:\my data\bears & co") == r'"C:\my data\bears & co"'
    assert quoted_for_windows("C:\\my data\\") == '"C:\\my data\\\\"'


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is not tried")
def test_disks_that_share_no_blocks_are_asked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first refusal no file is made and removed again for the next."""
    monkeypatch.setattr(platform, "_UNSHARED", set())
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"content")
    if platform.share_blocks(source, target):
        pytest.skip("this disk shares blocks")
    folder = tmp_path.stat()
    assert not target.exists()
    assert not platform.share_blocks(source, target)
    assert tmp_path.stat().st_mtime_ns == folder.st_mtime_ns
