"""Commands that people paste: whatever the paths hold, the words arrive as they were."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from curator.platform import quoted_for_windows, shell_command

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
