"""What a service is sent by those who mean it harm: it refuses each, and goes on answering."""

from __future__ import annotations

import contextlib
import io
import random
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from curator.serve.model import Model
from tests.serve.conftest import drawn
from tests.serving import form, serving_here

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def chunk(kind: bytes, data: bytes) -> bytes:
    """Give a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """Give a PNG file of few bytes and many pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)


def hostile(number: int) -> bytes:
    """Give one of the bodies, never the same twice."""
    dice = random.Random(number)
    written = io.BytesIO()
    Image.frombytes("RGB", (64, 64), dice.randbytes(64 * 64 * 3)).save(written, "JPEG")
    picture = written.getvalue()
    place = dice.randrange(2, len(picture) - 2)
    return (
        picture[:place],  # cut
        bomb(50_000, 50_000),
        bomb(7_000, 7_000),  # as many as are decoded, and most of them missing
        dice.randbytes(2_000),
        b"<html><script>alert(1)</script>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + dice.randbytes(500),
        b"GIF89a" + dice.randbytes(500),
        b"II*\0" + dice.randbytes(500),
    )[number % 9]


def test_hostile_bodies_leave_it_answering(served_model: Path) -> None:
    """90 bodies that are cut, bombs or no pictures are refused, while others dribble theirs."""
    good = drawn(160)
    model = Model(served_model, threads=1)
    with (
        serving_here(model, processes=1, body_seconds=2, header_seconds=2) as service,
        contextlib.ExitStack() as held,
        ThreadPoolExecutor(8) as pool,
    ):
        for number in range(50):
            slow = held.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
            slow.sendall(head[: 20 + number] if number % 2 else head + good[:100])
        answers = list(pool.map(lambda n: service.ask("/classify", hostile(n)), range(90)))
        assert {answer.status for answer in answers} == {413, 422}
        assert all(answer.said["detail"] for answer in answers)
        assert service.ask("/classify", good).status == 200


def test_hostile_forms_are_refused(served_model: Path) -> None:
    """Broken, endless and overfull forms get a status of wrong use, none an error of ours."""
    good, headers = form(("a.png", drawn(160)))
    mark = headers["Content-Type"].rpartition("=")[2].encode()
    begin = b"--" + mark + b'\r\nContent-Disposition: form-data; name="file"; filename="'
    with serving_here(Model(served_model, threads=1), processes=1) as service:
        for body, kind in (
            (good, "multipart/form-data"),
            (good, "multipart/form-data; boundary=other"),
            (good[:-40], headers["Content-Type"]),
            (begin + b"a" * 200_000 + b'"\r\n\r\nx\r\n--' + mark + b"--", headers["Content-Type"]),
            (b"--" + mark + b"\r\n" + b"X: y\r\n" * 20_000, headers["Content-Type"]),
            (b"--" + mark + b"\r\n\r\n", headers["Content-Type"]),
            (bytes(1000), headers["Content-Type"]),
        ):
            answer = service.ask("/classify", body, {"Content-Type": kind})
            assert answer.status in {400, 422}, (kind, body[:80], answer)
        name = "../../\x00\x1b[31m<script>.png"
        body, kind = form((name, b"no picture"), ("b", b"no picture"))
        said = service.ask("/classify", body, kind)
        assert said.status == 200
        assert "text/html" not in said.headers["Content-Type"]
        assert service.ask("/classify", good, headers).status == 200
