"""The service as programs meet it: over HTTP, on the loopback, by the command."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from curator.cli import run
from curator.serve.server import listen
from tests.serve.conftest import drawn
from tests.serving import form, serving, serving_here

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.serve.model import Model
    from tests.serving import Serving

pytestmark = pytest.mark.slow
CLASSES = {"three", "five", "eight"}


@pytest.fixture(scope="module")
def pictures(digit: bytes) -> Iterator[str]:
    """Serve a picture at /picture, and at /to?PLACE what forwards there; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            forwards = path == "/to"
            self.send_response(302 if forwards else 200)
            if forwards:
                self.send_header("Location", query)
            self.send_header("Content-Length", "0" if forwards else str(len(digit)))
            self.end_headers()
            if not forwards:
                self.wfile.write(digit)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_picture_gets_all_classes_sorted(service: Serving, digit: bytes) -> None:
    """As the lesson's service answers: pairs of class and probability, likeliest first."""
    answer = service.ask("/classify", digit)
    assert answer.status == 200
    said = answer.said["predictions"]
    assert {label for label, _ in said} == CLASSES
    shares = [share for _, share in said]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-4)
    assert answer.said["none_of_these"] is True
    assert "none_of_these" in service.ask("/metrics").body.decode()
    assert service.ask("/classify?top=1", digit).said["predictions"] == said[:1]


def test_the_answer_is_the_model_s(service: Serving, model: Model, digit: bytes) -> None:
    """Process, batch and JSON change nothing: the model, asked here, says the same."""
    from curator.encode.backbones import Backbone
    from curator.encode.preprocess import prepare_image
    from curator.imaging.decoding import decode

    pixels = prepare_image(decode(digit), Backbone(**model.backbone)).tobytes()
    expected = dict(model.ask([pixels])[0]["predictions"])
    said = dict(service.ask("/classify", digit).said["predictions"])
    assert said == pytest.approx(expected, abs=1e-3)


def test_many_files_of_a_form(service: Serving, digit: bytes) -> None:
    """Each has its answer or its reason, in their order; one file alone is answered like a body."""
    body, headers = form(("a.png", digit), ("b.txt", b"no picture"), ("c.png", digit))
    said = service.ask("/classify", body, headers).said["results"]
    assert [one["file"] for one in said] == ["a.png", "b.txt", "c.png"]
    assert said[1]["error"] == "not_an_image"
    assert said[0]["predictions"] == said[2]["predictions"]
    body, headers = form(("a.png", digit))
    assert service.ask("/classify", body, headers).said == service.ask("/classify", digit).said


def test_an_address_is_fetched(service: Serving, pictures: str, digit: bytes) -> None:
    """The picture there is answered; neither its query nor the address is in the log."""
    address = f"{pictures}/picture?key=secret7"
    answer = service.ask(f"/classify-url?url={quote(address, safe='')}")
    assert answer.said == service.ask("/classify", digit).said
    assert "GET /classify-url 200" in service.said()
    assert "secret7" not in service.said()


@pytest.mark.parametrize(
    ("address", "status", "error"),
    [
        ("http://127.0.0.1/a.jpg", 403, "refused_private"),
        ("http://[::1]/a.jpg", 403, "refused_private"),
        ("http://169.254.169.254/latest/meta-data", 403, "refused_private"),
        ("http://localhost:8348/metrics", 400, "refused_address"),
        ("file:///etc/passwd", 400, "refused_address"),
        ("", 400, "no_address"),
    ],
)
def test_private_addresses_are_refused(
    model: Model, digit: bytes, address: str, status: int, error: str
) -> None:
    """Unless it was told otherwise, nothing of this machine and its networks is asked."""
    with serving_here(model, processes=1) as service:
        answer = service.ask(f"/classify-url?url={quote(address, safe='')}")
        assert (answer.status, answer.said["error"]) == (status, error)
        assert service.ask("/classify", digit).status == 200


def test_the_token_is_needed(served_model: Path, tmp_path: Path, digit: bytes) -> None:
    """With a token in a file, only who brings it is answered, and the log does not have it."""
    token = "correct-horse-battery"
    (tmp_path / "token").write_text(f"{token}\n")
    with serving(served_model, tmp_path, "--token-file", str(tmp_path / "token")) as service:
        for given, status in (
            (None, 401),
            ("Bearer wrong", 401),
            (f"Basic {token}", 401),
            (f"Bearer {token}é", 401),
            (f"Bearer {token}", 200),
        ):
            headers = {"Authorization": given} if given else {}
            answer = service.ask("/classify", digit, headers)
            assert answer.status == status, given
            assert service.ask("/metrics", headers=headers).status == status
        assert service.ask("/healthz").said["token_needed"] is True
        assert token not in service.said()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "localhost"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_other_pages_are_refused(
    service: Serving, headers: dict[str, str], status: int, digit: bytes
) -> None:
    """Neither another site's page nor a name that was turned to this machine is answered."""
    assert service.ask("/classify", digit, headers).status == status


def test_the_page_loads_nothing_from_elsewhere(service: Serving) -> None:
    """Its policy is strict, and it names no other host."""
    answer = service.ask("/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    for path in ("/", "/page.css", "/page.js"):
        text = service.ask(path).body.decode()
        assert "://" not in text.replace("https://…", "").replace("https?:\\/\\/", ""), path


def test_what_openapi_says_is_there(service: Serving, digit: bytes) -> None:
    """Its paths answer, with a status that it names."""
    document = service.ask("/openapi.json").said
    assert set(document["paths"]) == {"/classify", "/classify-url", "/healthz", "/metrics"}
    for path, body, status in (
        ("/classify", digit, 200),
        ("/classify", b"<html>", 422),
        ("/classify", b"", 400),
        ("/classify-url", None, 400),
        ("/healthz", None, 200),
        ("/metrics", None, 200),
    ):
        assert service.ask(path, body).status == status, path
        [method] = document["paths"][path].values()
        assert str(status) in method["responses"]
    labels = document["components"]["schemas"]["Answer"]["properties"]["predictions"]["items"]
    assert set(labels["prefixItems"][0]["enum"]) == CLASSES


def test_the_figures_are_read_by_prometheus(service: Serving, digit: bytes) -> None:
    """Its own parser takes them, and they count what was asked."""

    def counted() -> dict[str, float]:
        text = service.ask("/metrics").body.decode()
        families = list(text_string_to_metric_families(text))
        return {
            f"{sample.name}{json.dumps(sample.labels, sort_keys=True)}": sample.value
            for family in families
            for sample in family.samples
        }

    name = 'curator_requests_total{"path": "/classify", "status": "200"}'
    before = counted()
    service.ask("/classify", digit)
    after = counted()
    assert after[name] == before.get(name, 0) + 1
    assert after["curator_request_seconds_count{}"] > before["curator_request_seconds_count{}"]
    assert after["curator_pictures_waiting{}"] == 0


def test_too_much_at_once_is_told_to_come_again(model: Model, digit: bytes) -> None:
    """With one place, some of 16 at once get 503 and when to come again, the others an answer."""
    large = drawn(4000)
    with serving_here(model, processes=1, waiting=1) as service, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: service.ask("/classify", large), range(16)))
        assert {answer.status for answer in answers} == {200, 503}
        refused = next(answer for answer in answers if answer.status == 503)
        assert refused.headers["Retry-After"] == "1"
        assert refused.said["error"] == "busy"
        assert service.ask("/classify", digit).status == 200


def test_bodies_and_pixels_have_limits(model: Model, digit: bytes) -> None:
    """Too many bytes (told or not), too many pixels and too many files are refused as such."""
    limits = {"max_bytes": 200_000, "max_request": 300_000, "max_pixels": 40_000, "max_files": 2}
    with serving_here(model, processes=1, **limits) as service:
        many = form(*[(f"{number}.png", b"x") for number in range(3)])
        for body, headers, status in (
            (digit, {}, 200),
            (drawn(300), {}, 413),
            (bytes(250_000), {}, 413),
            (bytes(400_000), {}, 413),
            (*many, 400),
        ):
            assert service.ask("/classify", body, headers).status == status
        connection = socket.create_connection(("127.0.0.1", service.port), timeout=30)
        with contextlib.closing(connection):
            connection.sendall(b"POST /classify HTTP/1.1\r\nHost: localhost\r\n")
            connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
            for _ in range(5):
                connection.sendall(b"13880\r\n" + bytes(80_000) + b"\r\n")
            connection.sendall(b"0\r\n\r\n")
            assert connection.recv(20).startswith(b"HTTP/1.1 413")


def test_who_is_slow_is_let_go(model: Model, digit: bytes) -> None:
    """A body that dribbles gets 408, half a header a closed connection; others are answered."""
    with (
        serving_here(model, processes=1, body_seconds=0.6, header_seconds=0.6) as service,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as body,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as header,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as silent,
    ):
        body.sendall(b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nab")
        header.sendall(b"POST /classify HTTP/1.1\r\nHost: loc")
        assert service.ask("/classify", digit).status == 200
        assert body.recv(20).startswith(b"HTTP/1.1 408")
        for connection in (header, silent):
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(20) == b""


def test_a_model_that_changes_is_said(service: Serving, digit: bytes) -> None:
    """The loaded one goes on answering; the health says that the folder holds another."""
    folder = service.log.parent / "model" if service.log else None
    assert folder is not None
    before = service.ask("/classify", digit).said
    assert service.ask("/healthz").said["model_on_disk"] == "same"
    (folder / "config.json").write_text("{}")
    assert service.ask("/healthz").said["model_on_disk"] == "changed"
    shutil.rmtree(folder)
    health = service.ask("/healthz")
    assert (health.status, health.said["model_on_disk"]) == (200, "gone")
    assert service.ask("/classify", digit).said == before


def test_an_answer_waits_for_no_acknowledgement() -> None:
    """Connections that are kept send at once: else each answer came 40 ms late."""

    async def accepted() -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            own = writer.get_extra_info("socket")
            found.set_result(own.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        listening = listen("127.0.0.1", 0)
        async with await asyncio.start_server(connected, sock=listening):
            _, writer = await asyncio.open_connection(*listening.getsockname())
            answer = await found
            writer.close()
        return answer

    assert asyncio.run(accepted())


def test_what_is_in_work_is_answered_before_the_end(served_model: Path, tmp_path: Path) -> None:
    """At SIGTERM a picture that is being decoded still gets its answer; the status is 0."""
    large = drawn(4000)
    with serving(served_model, tmp_path, "--processes", "1") as service, ThreadPoolExecutor(4) as p:
        asked = [p.submit(partial(service.ask, "/classify", large)) for _ in range(4)]
        while b"curator_pictures_waiting 4" not in service.ask("/metrics").body:
            assert not asked[0].done()
            time.sleep(0.01)
        assert service.process is not None
        service.process.send_signal(signal.SIGTERM)
        assert [one.result().status for one in asked] == [200] * 4
        assert service.process.wait(20) == 0


def test_what_the_end_does_not_wait_for_may_ask_again(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is still waiting when the grace is over is told so by 503, not by 500 or silence."""
    monkeypatch.setattr("curator.serve.server.STOP_SECONDS", 0.01)
    large = drawn(6000)
    with ThreadPoolExecutor(4) as p:
        with serving_here(model, processes=1) as service:
            asked = [p.submit(partial(service.ask, "/classify", large)) for _ in range(4)]
            while b"curator_pictures_waiting 4" not in service.ask("/metrics").body:
                time.sleep(0.01)
        late = [one.result() for one in asked if one.result().status != 200]
    assert late
    for answer in late:
        assert (answer.status, answer.said["error"]) == (503, "stopping")
        assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--port", "70000"], "port"),
        (["--host", "192.0.2.7"], "cannot be listened on"),
        (["--token", "short"], "token"),
        (["--token-file", "missing"], "cannot be read"),
    ],
)
def test_wrong_use_is_told(
    served_model: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a sentence, with status 2."""
    assert run(["serve", str(served_model), "--port", "0", *options]) == 2
    assert said in capsys.readouterr().err


def test_it_needs_no_torch(served_model: Path, tmp_path: Path, digit: bytes) -> None:
    """After an answer, neither the server nor a process that decodes has torch in its memory."""
    if sys.platform != "linux":
        pytest.skip("maps of memory are Linux'")
    with serving(served_model, tmp_path) as service:
        assert service.ask("/classify", digit).status == 200
        assert service.process is not None
        for task in _family(service.process.pid):
            assert "libtorch" not in task.joinpath("maps").read_text()


def _family(process: int) -> list[Path]:
    """The folders in /proc of a process and its children."""
    folder = Path(f"/proc/{process}")
    children = folder.joinpath(f"task/{process}/children").read_text().split()
    return [folder, *(Path(f"/proc/{child}") for child in children)]
