"""The pictures of a request's body: raw, or one or many files of a form; within their limits."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from curator.serve.service import Refused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

    from curator.serve.service import Held
    from curator.serve.settings import ServeSettings


@dataclass(frozen=True)
class Picture:
    """A file as it came; ``name`` is what its sender calls it, empty for a raw body."""

    name: str
    content: bytes


class Parser(MultiPartParser):
    """Keeps files in memory, where their bytes are counted already."""

    spool_max_size = 1 << 40

    def close(self) -> None:
        """Close the files, also one that the form ends within, which is in no form."""
        for file in self._files_to_close_on_error:
            file.close()


async def pictures(request: Request, held: Held, settings: ServeSettings) -> list[Picture]:
    """The files of a body. Raises :class:`Refused`: too big, too slow, too many, none."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > settings.max_request:
        raise Refused(413, "too_big", f"A request has at most {settings.max_request:,} bytes.")
    try:
        async with asyncio.timeout(settings.body_seconds):
            taken = await _taken(request, held, settings)
    except TimeoutError:
        said = f"The body did not arrive within {settings.body_seconds:g} s."
        raise Refused(408, "timed_out", said) from None
    except MultiPartException as error:
        raise Refused(400, "bad_form", f"The form cannot be read: {error.message}") from error
    except ClientDisconnect:
        raise Refused(400, "incomplete", "The body ended early.") from None
    if not taken:
        raise Refused(400, "empty", "There is no picture: send its bytes, or a form with files.")
    for picture in taken:
        if len(picture.content) > settings.max_bytes:
            said = f"A picture has at most {settings.max_bytes:,} bytes."
            raise Refused(413, "too_big", said)
    return taken


async def _taken(request: Request, held: Held, settings: ServeSettings) -> list[Picture]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "multipart/form-data":
        parser = Parser(
            request.headers, _counted(request, held), max_files=settings.max_files, max_fields=8
        )
        try:
            form = await parser.parse()
            files = [item for _, item in form.multi_items() if isinstance(item, UploadFile)]
            return [Picture(file.filename or "", await file.read()) for file in files]
        finally:
            parser.close()
    whole = b"".join([piece async for piece in _counted(request, held)])
    return [Picture("", whole)] if whole else []


async def _counted(request: Request, held: Held) -> AsyncGenerator[bytes, None]:
    async for piece in request.stream():
        held.add(len(piece))
        yield piece
