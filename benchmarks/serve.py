"""Requests a second of `curator serve` against the lesson's own server: fastai behind Starlette.

    python benchmarks/serve.py [--requests 400] [--many 20000] [--hostile 1000]

Both serve EfficientNet-Lite0 with a head of three classes on this machine's processor, and are
asked by `load.py` in a process of its own about 100 pictures of bears, over kept connections, by 1,
8 and 64 clients. The lesson's server calls ``learn.predict`` in its handler, one picture after
another. Then, ours alone: the resident memory of its processes after the first tenth and at the end
of many requests, and whether it still answers after hostile bodies (cut, bombs, no pictures) while
others dribble theirs.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sides
from load import load

GOAL = 5.0  # times the requests a second
FLAT = 1.1  # memory at the end / after the first tenth
CLIENTS = (1, 8, 64)
START_SECONDS = 120


def trained(bears: Path, model: Path, _work: Path) -> None:
    """Export a model of the bears."""
    from curator.project import Project

    with tempfile.TemporaryDirectory() as place:
        classes = sorted(folder.name for folder in bears.iterdir() if folder.is_dir())
        with Project.create(Path(place, "project"), classes) as project:
            project.import_files(bears)
            project.train()
            project.export_model(model)


@contextlib.contextmanager
def served(model: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve a model by the command; its port and process."""
    command = [sys.executable, "-m", "curator", "serve", str(model), "--port", "0"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            began = time.monotonic()
            while True:
                log.seek(0)
                found = re.search(rb"http://[^ ]*:(\d+)/", log.read())
                if found:
                    break
                if process.poll() is not None or time.monotonic() > began + START_SECONDS:
                    raise SystemExit("curator serve did not start.")
                time.sleep(0.05)
            yield int(found[1]), process
        finally:
            process.terminate()
            process.wait()


def figures_of(port: int, requests: int, pictures: Path) -> sides.Figures:
    """Ask with 1, 8 and 64 clients."""
    load(port, 4, 20, pictures)  # what starts at the first requests has started
    figures: sides.Figures = {}
    for clients in CLIENTS:
        one = load(port, clients, requests, pictures)
        figures |= {
            f"{name} {clients}": one[name] for name in ("per_second", "median_ms", "p95_ms")
        }
    return figures


def ours(model: Path, requests: int, pictures: Path, _work: Path) -> sides.Figures:
    """Ask the command."""
    with served(model) as (port, _):
        return figures_of(port, requests, pictures)


def fastai(_model: Path, requests: int, pictures: Path, _work: Path) -> sides.Figures:
    """Ask the lesson's server, which runs in this process."""
    import fastai_peer

    fastai_peer.make_torchvision_importable()
    import io

    import uvicorn
    from fastai.vision.all import (
        ImageDataLoaders,
        Learner,
        PILImage,
        Resize,
        params,
    )
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    loaders = ImageDataLoaders.from_folder(
        pictures, valid_pct=0.2, seed=42, item_tfms=Resize(224), bs=8, num_workers=0
    )
    learner = Learner(
        loaders,
        fastai_peer.model(loaders.c),
        splitter=lambda m: [params(m[0]), params(m[1])],
        loss_func=None,
    )

    async def classify(request: Any) -> JSONResponse:
        picture = PILImage.create(io.BytesIO(await request.body()))
        with learner.no_bar():
            _, _, losses = learner.predict(picture)
        pairs = zip(learner.dls.vocab, map(float, losses), strict=True)
        return JSONResponse({"predictions": sorted(pairs, key=lambda pair: pair[1], reverse=True)})

    app = Starlette(routes=[Route("/classify", classify, methods=["POST"])])
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning"))
    answered: dict[str, Any] = {}

    def ask() -> None:
        try:
            while not server.started:
                time.sleep(0.05)
            answered.update(figures_of(listening.getsockname()[1], requests, pictures))
        finally:
            server.should_exit = True

    asking = threading.Thread(target=ask)
    asking.start()
    server.run(sockets=[listening])
    asking.join()
    return answered


def resident(process: int) -> int:
    """Resident bytes of a process and its children."""
    import psutil

    parent = psutil.Process(process)
    return sum(one.memory_info().rss for one in (parent, *parent.children(recursive=True)))


def memory(model: Path, many: int, pictures: Path) -> float:
    """Resident memory at the end of many requests / after the first tenth."""
    with served(model) as (port, process):
        load(port, 8, many // 10, pictures)
        early = resident(process.pid)
        load(port, 8, many - many // 10, pictures)
        late = resident(process.pid)
    print(
        f"memory: {early / 2**20:.0f} MiB after {many // 10:,} requests, "
        f"{late / 2**20:.0f} MiB after {many:,}"
    )
    return late / early


def survives(model: Path, number: int, pictures: Path) -> bool:
    """Whether it answers as before after so many hostile bodies, and with slow ones open."""
    sys.path.insert(0, str(sides.ROOT))
    from tests.security.test_hostile_pictures import hostile
    from tests.serving import Serving

    with served(model) as (port, _), contextlib.ExitStack() as held:
        service = Serving(port)
        head = b"POST /classify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n"
        for each in range(number // 10):
            slow = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            slow.sendall(head[: 20 + each % 40] if each % 2 else head)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: service.ask("/classify", hostile(n)), range(number)))
        refused = sum(answer.status in {413, 422} for answer in answers)
        load(port, 8, 50, pictures)
    print(f"hostile: {refused:,} of {number:,} bodies refused; it answers on")
    return refused == number


def main() -> int:
    """Measure, print the figures, return the exit status."""
    parser = sides.Options(__doc__, bears=True, peer=True)
    parser.size("--requests", 400, 40, "requests for each number of clients")
    parser.size("--many", 20_000, 200, "requests over which memory stays flat")
    parser.size("--hostile", 1_000, 45, "hostile bodies")
    parser.add_argument("--model", type=Path, help="an exported model of the bears; else trained")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        model = options.model or Path(place, "model")
        if options.model is None:
            sides.in_process(trained, options.bears, model)
        asked = (model, options.requests, options.bears)
        result = sides.compare(
            [
                sides.side("ours", ours, *asked),
                sides.side("fastai", fastai, *asked, python=options.peer),
            ],
            options.repeats,
        )
        for clients in CLIENTS:
            print(f"{clients} clients")
            result.tell(f"per_second {clients}", "requests/s", more_is_better=True)
            result.tell(f"p95_ms {clients}", "ms at the 95th percentile")
        flat = memory(model, options.many, options.bears)
        safe = survives(model, options.hostile, options.bears)
    sides.record(options, serving=result)
    ratios = [result.ratio("fastai", f"per_second {n}", more_is_better=True) for n in CLIENTS]
    steady = sides.verdict(flat, FLAT, "memory at the end / after a tenth", at_most=True)
    fast = sides.verdict(ratios[-1], GOAL, "requests/s at 64 clients, ours / fastai")
    return 0 if steady and safe and fast else 1


if __name__ == "__main__":
    sys.exit(main())
