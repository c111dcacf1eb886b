"""Another user of the machine: reads `ps`, the temporary folder and every port that listens."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import running
from tests.security.visiting import enter, kernel_of

pytestmark = [
    pytest.mark.slow,  # starts a dashboard
    pytest.mark.skipif(
        sys.platform != "linux" or os.getuid() != 0, reason="needs root on Linux to be two users"
    ),
]

# Runs as root until it has imported what it needs, then as `nobody`, who may not read our Python.
ATTACK = """
import encodings.idna, json, os, pwd, re, sys, time
from pathlib import Path
import zmq
from tests.security.visiting import WEBSOCKET, ask, processes

port, seconds = int(sys.argv[1]), float(sys.argv[2])
zmq.Context.instance()
nobody = pwd.getpwnam("nobody")
os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)
found = {"as": os.getuid(), "lines": [], "read": [], "answers": [], "heard": []}

def reading(path):
    try:
        text = path.read_bytes()
    except OSError:
        return
    found["read"].append([str(path), text.decode(errors="replace")])

kernels, ours = set(), []
for process, words in processes().items():
    if process == os.getpid():
        continue
    line = " ".join(words)
    found["lines"].append(line)
    if "widgets.kernel" in line or "curator dashboard" in line or "ipykernel" in line:
        ours.append(process)
        kernels |= set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", line))
        for word in words:
            if word.startswith("/") and word.endswith((".json", ".html")):
                reading(Path(word))
for process in ours:
    for name in ("environ", "maps"):
        reading(Path(f"/proc/{process}/{name}"))
    try:
        os.listdir(f"/proc/{process}/fd")
        found["read"].append([f"fd of {process}", ""])
    except OSError:
        pass
for folder in Path("/tmp").glob("curator-*"):
    try:
        found["read"] += [[str(path), ""] for path in folder.iterdir()]
    except OSError:
        pass
found["kernels"] = sorted(kernels)
for kernel in kernels:
    for path in ("voila/query", "api/kernels", "voila/api/shutdown"):
        for method, headers in (("GET", {}), ("GET", WEBSOCKET), ("POST", {})):
            answer = ask(port, f"/{path}/{kernel}", method, headers)
            found["answers"].append([path, answer.status, answer.text])

def listening():
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[1].split(":")[1], 16) for line in lines if line[3] == "0A"}

# Kernels publish what the page shows; whoever connects to the port is sent it, too.
sockets, poller, end = {}, zmq.Poller(), time.monotonic() + seconds
print("listening", flush=True)
while time.monotonic() < end:
    for each in listening() - {port} - set(sockets):
        sockets[each] = zmq.Context.instance().socket(zmq.SUB)
        sockets[each].setsockopt(zmq.SUBSCRIBE, b"")
        sockets[each].setsockopt(zmq.LINGER, 0)
        sockets[each].connect(f"tcp://127.0.0.1:{each}")
        poller.register(sockets[each], zmq.POLLIN)
    for socket, _ in poller.poll(50):
        socket.recv_multipart()
        found["heard"] += [each for each in sockets if sockets[each] is socket]
found["tried"] = list(sockets)
print(json.dumps(found), flush=True)
os._exit(0)
"""


def attack(port: int, seconds: float) -> subprocess.Popen[str]:
    """Start the other user's program."""
    return subprocess.Popen(
        [sys.executable, "-c", ATTACK, str(port), str(seconds)], stdout=subprocess.PIPE, text=True
    )


def listening_below(process: int) -> set[int]:
    """Give the ports of 127.0.0.1 on which a process and its children listen: root may know."""
    family = [process]
    for parent in family:
        for task in Path(f"/proc/{parent}/task").iterdir():
            family += map(int, (task / "children").read_text().split())
    sockets = set()
    for member in family:
        for file in Path(f"/proc/{member}/fd").iterdir():
            with contextlib.suppress(OSError):  # closed by now
                sockets.add(str(file.readlink()))
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        int(line[1].split(":")[1], 16)
        for line in lines
        if line[3] == "0A" and f"socket:[{line[9]}]" in sockets
    }


@pytest.mark.slow
def test_another_user_learns_nothing_and_gets_in_nowhere(tmp_path: Path) -> None:
    """Kernels' ids are seen; neither keys, files, environments, routes nor messages are got."""
    with running(tmp_path) as dashboard:
        visit = enter(dashboard)
        kernel = kernel_of(visit.page())  # another kernel is started to stand by
        with attack(visit.port, 6) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == "listening\n"
            kernel_of(visit.page())  # and a third, whose messages pass while the other listens
            found: dict[str, Any] = json.loads(other.stdout.read())
        ports = listening_below(dashboard.process.pid) - {visit.port}
    secrets = (visit.token, visit.below.strip("/"), visit.cookie.split("=")[1])
    assert found["as"] != 0
    assert kernel in found["kernels"]  # which is why an id must open nothing
    assert not [line for line in found["lines"] if any(secret in line for secret in secrets)]
    assert found["read"] == []
    assert {status for _, status, _ in found["answers"]} == {403}
    assert not [text for *_, text in found["answers"] if any(secret in text for secret in secrets)]
    assert len(ports) >= 15  # five of each kernel
    assert ports <= set(found["tried"])
    assert ports & set(found["heard"]) == set()
