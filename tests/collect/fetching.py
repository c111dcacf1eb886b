"""Fetching in tests: into memory."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from curator.collect.http.body import Body
from curator.collect.http.client import Answer, FetchFailed, FetchSettings, fetch

if TYPE_CHECKING:
    from collections.abc import Callable


def never() -> bool:
    """Cancel nothing."""
    return False


def fetched(
    url: str, settings: FetchSettings, cancelled: Callable[[], bool] = never
) -> tuple[bytes, Answer]:
    """Fetch an address; give its body and the rest of the answer."""
    with tempfile.TemporaryDirectory() as folder, Body(Path(folder, "body")) as body:
        answer = fetch(url, settings, cancelled, body)
        content = body.content()
        data = content if isinstance(content, bytes) else content.read_bytes()
    assert answer.bytes == len(data)
    return data, answer


def failure(url: str, settings: FetchSettings) -> FetchFailed:
    """Fetch what must fail; give the failure."""
    with pytest.raises(FetchFailed) as caught:
        fetched(url, settings)
    assert caught.value.detail
    return caught.value
