"""Where the dashboard listens: here alone, elsewhere only when asked, nowhere if it was altered."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.browser.conftest import DASHBOARD, running
from tests.security.visiting import ask, enter
from widgets.server import PORT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # starts dashboards

ALTERED = """
import sys
from curator.cli import run
from widgets import server

make = server._settings

def altered(*arguments):
    settings = make(*arguments)
    settings.Voila[sys.argv[1]] = sys.argv[2]
    return settings

server._settings = altered
sys.exit(run(["dashboard", "--no-browser", "--port", "0"]))
"""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [("ip", "0.0.0.0", "address"), ("token", "", "token"), ("base_url", "/", "path")],
)
def test_what_was_altered_does_not_listen(name: str, value: str, said: str) -> None:
    """Whatever gets at the settings, Voila's object is looked at before it listens."""
    done = subprocess.run(
        [sys.executable, "-c", ALTERED, name, value],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"The dashboard does not start: its {said} was changed" in done.stderr
    assert "The dashboard is at" not in done.stdout


def test_listening_elsewhere_is_asked_for_and_warned_of(tmp_path: Path) -> None:
    """With ``--host`` it says what that means, and still wants token, cookie and a known name."""
    with running(tmp_path, None, (*DASHBOARD, "--host", "0.0.0.0")) as dashboard:
        visit = enter(dashboard)
        assert "other machines can reach it" in " ".join(dashboard.output)
        assert ask(visit.port, "/").status == 403
        known = {"Cookie": visit.cookie}
        for host, status in (
            (f"192.0.2.7:{visit.port}", 200),  # an address as a number: no DNS can turn it
            (f"{socket.gethostname().lower()}:{visit.port}", 200),
            (f"evil.example:{visit.port}", 403),
            (f"192.0.2.7:{visit.port + 1}", 403),
        ):
            script = f"{visit.below}voila/static/voila.js"
            assert ask(visit.port, script, "HEAD", {**known, "Host": host}).status == status, host


def test_an_address_of_another_machine_is_named(tmp_path: Path) -> None:
    """Neither a traceback nor a search for another port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, said in (
            (["--host", "192.0.2.7"], r"192\.0\.2\.7, port 0, cannot be listened on: .*--host"),
            (["--port", str(port)], rf"Port {port} on 127\.0\.0\.1 is taken\. .*--port"),
        ):
            done = subprocess.run(
                [*DASHBOARD, *arguments], capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 2
            assert re.search(said, done.stderr), done.stderr


def test_the_port_is_the_same_unless_it_is_taken(tmp_path: Path) -> None:
    """Without ``--port`` it is the usual one, or one after it, and the terminal says so."""
    command = DASHBOARD[:-2]
    with contextlib.ExitStack() as held:
        with contextlib.suppress(OSError):  # somebody else's, which does as well
            held.enter_context(socket.create_server(("127.0.0.1", PORT)))
        dashboard = held.enter_context(running(tmp_path, None, command))
        port = int(dashboard.base.rsplit(":", 1)[1])
        assert port > PORT
        assert f"Port {PORT} is taken, so this one has port {port}." in " ".join(dashboard.output)
