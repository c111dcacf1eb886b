"""A recipe from an attacker is refused whole, or asks for nothing that a list could not ask for."""

from __future__ import annotations

import json
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from curator.deliver.recipe import form
from curator.errors import BadRecipe
from curator.project import Project
from tests.security.attack import curator

HEADER: dict[str, Any] = {
    "recipe": "curator data set",
    "format_version": 1,
    "name": "pets",
    "seed": 1,
    "classes": ["cat", "dog"],
    "images": 1,
}
AT = "2026-11-24T16:20:00.000+00:00"
SOURCE = {"kind": "address", "origin": "https://example.org/a.jpg", "label": "cat"}
IMAGE: dict[str, Any] = {
    "sha256": "a" * 64,
    "bytes": 10,
    "label": "cat",
    "state": "new",
    "split": "train",
    "sources": [SOURCE],
}


def write(path: Path, *rows: object) -> Path:
    """Write rows as JSON lines; bytes as they are."""
    said = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(said) + b"\n")
    return path


def with_image(**changes: object) -> tuple[object, ...]:
    """Give a recipe whose image is altered."""
    return HEADER, IMAGE | changes


def with_source(**changes: object) -> tuple[object, ...]:
    """Give a recipe whose source is altered."""
    return with_image(sources=[SOURCE | changes])


def test_the_honest_one_is_read(tmp_path: Path) -> None:
    """What the attacks alter is good before."""
    read = form.read(write(tmp_path / "good.jsonl", HEADER, IMAGE))
    assert [image.addresses for image in read.images()] == [["https://example.org/a.jpg"]]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "no data set recipe"),
        ((b"\xff\xfe\x00",), "no data set recipe"),
        ((b"[" * 100_000,), "no data set recipe"),
        ((["recipe"],), "no data set recipe"),
        ((HEADER | {"format_version": 2},), "format version 2; this curator knows up to 1"),
        ((HEADER | {"format_version": "1"},), "line 1"),
        ((HEADER | {"classes": ["cat", "../../etc"]}, IMAGE), "line 1: classes"),
        ((HEADER | {"classes": ["cat", "CAT"]}, IMAGE), "differs from 'cat' only by case"),
        ((HEADER | {"classes": ["cat", "con"]}, IMAGE), "Windows reserves that name"),
        ((HEADER | {"name": "a\x1b[2J"}, IMAGE), "line 1: name"),
        ((HEADER | {"run": "rm -rf ~"}, IMAGE), "line 1: run"),
        ((HEADER | {"seed": 2**70}, IMAGE), "line 1: seed"),
        ((HEADER, b"{}"), "line 2"),
        ((HEADER, b'{"sha256": ' + b"[" * 5_000), "line 2"),
        ((HEADER, IMAGE, IMAGE), "line 3: images are not in the order"),
        ((HEADER | {"images": 2}, IMAGE), "holds 1 images, and says that it has 2"),
        (with_image(sha256="../" + "a" * 61), "line 2: sha256"),
        (with_image(sha256="A" * 64), "line 2: sha256"),
        (with_image(bytes=-1), "line 2: bytes"),
        (with_image(bytes=True), "line 2: bytes"),
        (with_image(label="owl"), "'owl' is none of its classes"),
        (with_image(state="withdrawn"), "line 2: state"),
        (with_image(state="deleted"), "its state is not that of its last decision"),
        (with_image(split="everything"), "line 2: split"),
        (with_image(sources=[]), "line 2: sources"),
        (with_image(sources=[SOURCE] * 5_001), "line 2: sources"),
        (
            with_image(
                state="kept",
                decisions=[{"at": "'); DROP", "by": "x", "state": "kept", "label": "cat"}],
            ),
            "line 2: decisions.0.at",
        ),
        (
            with_image(
                state="kept",
                decisions=[{"at": AT, "by": "a\u202eb", "state": "kept", "label": "cat"}],
            ),
            "line 2: decisions.0.by",
        ),
        (with_source(origin="file:///etc/passwd"), "only http"),
        (with_source(origin="http://user:secret@example.org/"), "user name or password"),
        (with_source(origin="HTTP://EXAMPLE.org/a.jpg"), "not in its normal form"),
        (with_source(origin="https://example.org/" + "a" * 20_000), "line 2: sources.0.origin"),
        (with_source(kind="file", origin="a\nb.jpg"), "line 2: sources.0.origin"),
        (with_source(kind="pipe"), "line 2: sources.0.kind"),
        (with_source(license="x" * 5_000), "line 2: sources.0.license"),
        (with_source(root="/home"), "line 2: sources.0.root"),
        ((HEADER, IMAGE | {"pad": "x" * (5 << 20)}), "line 2: it is longer than 4 MiB"),
    ],
)
def test_it_is_refused_with_its_line(tmp_path: Path, rows: tuple[object, ...], said: str) -> None:
    """Before anything is made: no project, no class, no address."""
    path = write(tmp_path / "bad.jsonl", *rows)
    with pytest.raises(BadRecipe) as caught:
        Project.from_recipe(tmp_path / "new", path)
    assert said.lower() in str(caught.value).lower()
    assert caught.value.fix
    assert not (tmp_path / "new").exists()


def test_what_is_no_plain_file_is_not_opened(tmp_path: Path) -> None:
    """Neither a link, nor a folder, nor a pipe, which would wait for ever."""
    secret = write(tmp_path / "secret.jsonl", HEADER, IMAGE)
    (tmp_path / "link.jsonl").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe.jsonl")
    for name in ("link.jsonl", "pipe.jsonl", ".", "missing.jsonl"):
        with pytest.raises(BadRecipe):
            form.read(tmp_path / name)


@pytest.mark.slow
def test_addresses_of_this_machine_are_not_asked(tmp_path: Path) -> None:
    """They pass the same guard as those of a list, and nothing leaves for them."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        asked = threading.Event()

        def listen() -> None:
            try:
                server.accept()[0].close()
                asked.set()
            except OSError:
                pass

        threading.Thread(target=listen, daemon=True).start()
        origin = f"http://127.0.0.1:{server.getsockname()[1]}/a.jpg"
        path = write(tmp_path / "inside.jsonl", *with_source(origin=origin))
        done = curator("recipe", "rebuild", tmp_path / "new", path)
        assert done.returncode == 0
        assert "1 gone" in done.stdout
        assert "refused_address" in done.stdout
        assert not asked.is_set()


def test_names_of_files_lead_nowhere(tmp_path: Path) -> None:
    """A source that is called like a file of the victim's is a text; nothing is read or copied."""
    source = {"kind": "file", "origin": "/etc/passwd", "label": "cat"}
    path = write(tmp_path / "named.jsonl", *with_image(sources=[source]))
    with Project.from_recipe(tmp_path / "new", path) as project:
        report = project.take_recipes(path)
        assert (report.same, report.no_address) == (0, 1)
        assert list(project.originals.rglob("*")) == []
