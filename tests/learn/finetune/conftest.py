"""One thread: small networks gain nothing from more, and busy machines make them wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from tests.learn.finetune.small import digit_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from curator.learn.finetune.data import Data


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def data() -> Data:
    """400 digits, 80 of them held out."""
    return digit_data()
