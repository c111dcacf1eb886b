"""The routes of a service."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from curator.serve.gate import Gate
from curator.serve.intake import pictures
from curator.serve.openapi import document
from curator.serve.service import RETRY_AFTER, Refused, Service
from curator.version import __version__

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from curator.serve.model import Model
    from curator.serve.settings import ServeSettings

STATIC = Path(__file__).with_name("static")
PAGE = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


def make_app(model: Model, settings: ServeSettings) -> ASGIApp:
    """The application that answers from ``model``."""
    service = Service(model, settings)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    answers = Answers(service)
    routes = [
        *(Route(path, _file(*about)) for path, about in PAGE.items()),
        Route("/classify", _guarded(answers.classify), methods=["POST"]),
        Route("/classify-url", _guarded(answers.classify_url)),
        Route("/healthz", answers.health),
        Route("/metrics", answers.metrics),
        Route("/openapi.json", answers.openapi),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    return Gate(app, settings, service.figures)


class Answers:
    """What is answered at each address."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def classify(self, request: Request) -> Response:
        """One picture: its answer, or why not. Several: a list with either for each."""
        service, settings = self._service, self._service.settings
        top = _top(request)
        with service.admitted():
            pass  # who comes too late need not send the body
        # A place is taken once the body is here: who sends slowly takes none from others.
        with service.holding() as held:
            taken = await pictures(request, held, settings)
            with service.admitted(len(taken)):
                if len(taken) == 1:
                    return JSONResponse(_first(await service.classify(taken[0].content), top))
                results = await asyncio.gather(
                    *(self._one_of_many(picture.name, picture.content, top) for picture in taken)
                )
        return JSONResponse({"results": results})

    async def classify_url(self, request: Request) -> Response:
        """The picture at an address, which is fetched here."""
        addresses = request.query_params.getlist("url")
        top = _top(request)
        if len(addresses) != 1 or not addresses[0].strip():
            raise Refused(400, "no_address", "Name one address, as in /classify-url?url=https://…")
        with self._service.admitted():
            answer = await self._service.classify_address(addresses[0].strip())
        return JSONResponse(_first(answer, top))

    async def health(self, _: Request) -> Response:
        """Whether it answers, what from, and what has become of the model's folder."""
        service = self._service
        on_disk = await asyncio.to_thread(service.model.on_disk)
        return JSONResponse(
            {
                "status": "ok",
                "model": service.model.sha256,
                "model_on_disk": on_disk,
                "classes": list(service.model.classes),
                "none_of_these": service.model.refuses,
                "token_needed": service.settings.token is not None,
                "version": __version__,
                "seconds": round(time.time() - service.figures.began, 1),
            }
        )

    async def metrics(self, _: Request) -> Response:
        """The figures, for Prometheus."""
        service = self._service
        text = service.figures.text(service.working, service.model.sha256)
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4")

    async def openapi(self, _: Request) -> Response:
        """The description of all this for programs."""
        return JSONResponse(document(self._service.model.classes, self._service.settings))

    async def _one_of_many(self, name: str, content: bytes, top: int | None) -> dict[str, Any]:
        try:
            return {"file": name, **_first(await self._service.classify(content), top)}
        except Refused as refused:
            return {"file": name, **refused.to_dict()}


def _guarded(answer: Callable[[Request], Awaitable[Response]]) -> Any:
    async def guarded(request: Request) -> Response:
        try:
            return await answer(request)
        except Refused as refused:
            headers = {"Retry-After": str(RETRY_AFTER)} if refused.status == 503 else {}
            return JSONResponse(refused.to_dict(), refused.status, headers)

    return guarded


def _top(request: Request) -> int | None:
    said = request.query_params.get("top")
    if said is None:
        return None
    if not (said.isdecimal() and 0 < len(said) < 6 and int(said) > 0):
        raise Refused(400, "bad_number", "`top` is how many classes are told, from 1 on.")
    return int(said)


def _first(answer: dict[str, Any], top: int | None) -> dict[str, Any]:
    return {**answer, "predictions": answer["predictions"][:top]}


def _file(name: str, kind: str) -> Any:
    content = (STATIC / name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})

    return answer
