"""Names made by strangers reach no terminal raw: not as output, as error or as progress."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from curator.cli.printing import printable
from curator.project import Project
from curator.store import schema
from tests.conftest import copy_project
from tests.pictures import write_picture

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
# Sets the window's title, turns text red, by one byte, overwrites the line, turns the letters
# around, is invisible, is no UTF-8, forges a line, and looks like markup.
HOSTILE = "a\x1b]0;owned\x07\x1b[31m\x9b31m\rb\u202egpj\u2066\u200b\udcffc\nError: d[red]\x7f"
# In a pipe the command line itself writes no control but the end of a line.
FORBIDDEN = re.compile(
    r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)
# On a terminal it does; but nothing of this, which stands in the names alone.
OWNED = (b"\x1b]", b"\x07", b"\x9b31m", "\x9b".encode(), "\u202e".encode(), b"\xff", b"gpj\n")


def run(*arguments: object) -> tuple[int, bytes, bytes]:
    """Run the real command; give its status and the bytes of both streams."""
    done = subprocess.run(
        [sys.executable, "-m", "curator", *map(str, arguments)], capture_output=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def assert_clean(said: bytes) -> None:
    """Nothing in it steers a terminal; it is UTF-8, each line one of ours."""
    text = said.decode("utf-8")
    assert FORBIDDEN.search(text) is None, text
    assert "\nError: d" not in text
    assert OWNED[-1] not in said


@pytest.fixture(scope="module")
def hostile(small_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a project from someone else, whose database holds hostile names everywhere."""
    folder = copy_project(small_folder, tmp_path_factory.mktemp("given") / "project")
    name = HOSTILE.replace("\udcff", "")  # SQLite's texts are UTF-8
    with Project.open(folder) as project:
        project.decide([1], "delete", by=name)
        with project.database.write() as connection:
            for column in (schema.classes.c.name, schema.sources.c.origin, schema.sources.c.detail):
                value = column.concat(name) if column.name != "detail" else name
                connection.execute(update(column.table).values({column.name: value}))
            connection.execute(
                update(schema.sources)
                .where(schema.sources.c.id == 5)
                .values(state=schema.FAILED, reason="broken", image_id=None)
            )
            connection.execute(
                update(schema.meta).where(schema.meta.c.key == "name").values(value=name)
            )
    return folder


COMMANDS: list[Sequence[object]] = [
    ("status",),
    ("log",),
    ("classes",),
    ("queue", "all"),
    ("fetch", "--report"),
    ("rename-class", HOSTILE.replace("\udcff", ""), "x"),  # an error that quotes it
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_hostile_project(command: Sequence[object], hostile: Path) -> None:
    """Whatever a command shows of such a project, its letters do nothing; JSON stays JSON."""
    first, *rest = command
    for extra in ([], ["--json"]):
        status, out, err = run(first, hostile, *rest, *extra)
        assert status == (2 if first == "rename-class" else 0)
        assert_clean(out)
        assert_clean(err)
        assert b"owned" in out + err
        if extra and status == 0:
            assert "\x1b]0;owned" in json.dumps(json.loads(out), ensure_ascii=False).replace(
                "\\u001b", "\x1b"
            )


@pytest.mark.slow
def test_a_hostile_list(tmp_path: Path) -> None:
    """Lines of a list, and its name, are quoted in answers without what they hold."""
    Project.create(tmp_path / "p", ["a"]).close()
    path = tmp_path / "list.txt"
    path.write_bytes(b"https://a.org/1.jpg\nnot \x1b]0;owned\x07 \xc2\x9b31m an address\n\x1b[2J\n")
    for extra in ([], ["--dry-run"], ["--json"]):
        status, out, err = run("add", tmp_path / "p", "--class", "a", path, *extra)
        assert status == 0
        assert_clean(out)
        assert_clean(err)
        assert b"owned" in out


@pytest.mark.slow
def test_hostile_arguments(tmp_path: Path) -> None:
    """A command, a path or an image of such a name: the error shows it written out."""
    name = HOSTILE.replace("\n", " ")
    for arguments in ([name], ["status", tmp_path / name.replace("/", "")], ["rank", "--" + name]):
        status, out, err = run(*arguments)
        assert (status, out) == (2, b"")
        assert_clean(err)
        assert err.startswith(b"Error: ")
        assert err.count(b"\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a terminal is opened the POSIX way")
def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """The bar names the folder that is imported: that moves no cursor and sets no title."""
    import pty

    Project.create(tmp_path / "p", ["a"]).close()
    folder = tmp_path / HOSTILE.replace("\udcff", "").replace("/", "")
    write_picture(folder / "1.png", 1)
    outer, inner = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "200"}
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "curator",
            "import",
            str(tmp_path / "p"),
            str(folder),
            "--class",
            "a",
        ],
        stdin=subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        env=environment,
    )
    os.close(inner)
    said = b""
    while True:
        try:
            piece = os.read(outer, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not piece:
            break
        said += piece
    os.close(outer)
    assert child.wait(timeout=60) == 0
    assert b"importing a\\x1b]0;owned" in said
    for bad in OWNED:
        assert bad not in said


@given(st.text())
def test_every_text_is_printable(text: str) -> None:
    """Whatever it holds, the result is UTF-8 on one line, and harmless letters stay as they are."""
    said = printable(text)
    assert FORBIDDEN.search(said) is None
    assert "\n" not in said
    said.encode()
    assert printable("Bär, 熊, 👩\u200d👧, [red]") == "Bär, 熊, 👩\u200d👧, [red]"


@pytest.mark.slow
def test_lines_are_given_one_by_one() -> None:
    """No call of ours relies on a line break inside a text: it would be written out."""
    wrong = []
    for path in [*(ROOT / "curator").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"say", "complain"}:
                texts = [n.value for n in ast.walk(node) if isinstance(n, ast.Constant)]
                if any(isinstance(text, str) and "\n" in text for text in texts):
                    wrong.append(f"{path}:{node.lineno}")
    assert wrong == []
