"""A position in a queue: turning, resizing, finding a place again, ranking anew."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from widgets.queue_position import LARGEST, SMALLEST, Pager


def ids(*numbers: int) -> NDArray[np.int64]:
    """Give ids as a queue does."""
    return np.array(numbers, dtype=np.int64)


def test_pages_follow_each_other_to_the_end() -> None:
    """Turning on shows every image once, and stops at the last page; turning back as well."""
    pager = Pager(np.arange(10, dtype=np.int64), 4)
    shown = [*pager.page()]
    while pager.turn(1):
        shown += pager.page()
    assert shown == list(range(10))
    assert pager.following() == []
    assert pager.seen == 10
    while pager.turn(-1):
        pass
    assert pager.offset == 0


def test_a_larger_page_begins_where_the_smaller_began() -> None:
    """Another size keeps the first image of the page; sizes without sense are bounded."""
    pager = Pager(np.arange(100, dtype=np.int64), 10)
    pager.turn(1)
    pager.resize(24)
    assert pager.page()[0] == 10
    pager.resize(0)
    assert len(pager.page()) == SMALLEST
    pager.resize(10**9)
    assert pager.size == LARGEST


def test_a_place_is_found_again_by_its_images() -> None:
    """What is left of a page begins it; without any of its images the queue begins anew."""
    pager = Pager(ids(1, 2, 4, 5, 6, 7), 2)
    pager.seek([3, 4, 5])
    assert (pager.page(), pager.offset) == ([4, 5], 2)
    pager.seek([30])
    assert pager.offset == 0


def test_a_page_is_shown_again_though_the_ranking_changed() -> None:
    """Its images come first, as they were shown, and every other one after them."""
    pager = Pager(ids(7, 1, 5, 2, 4, 6), 3)
    pager.seek([4, 3, 5, 1])
    assert pager.page() == [4, 5, 1]
    assert sorted(pager.ids.tolist()) == [1, 2, 4, 5, 6, 7]


def test_an_empty_queue_has_one_empty_page() -> None:
    """Nothing to show is no error."""
    pager = Pager(ids(), 24)
    assert pager.page() == []
    assert not pager.turn(1)
    assert not pager.turn(-1)
    pager.seek([1])
    assert (pager.offset, pager.seen) == (0, 0)


@given(
    st.lists(st.integers(0, 40), unique=True),
    st.lists(st.integers(0, 40), unique=True),
    st.integers(SMALLEST, 9),
    st.integers(0, 6),
)
def test_ranking_anew_moves_only_what_was_not_seen(
    before: list[int], after: list[int], size: int, turns: int
) -> None:
    """What was shown stays in place; then come the others, in the new order, each once."""
    pager = Pager(ids(*before), size)
    for _ in range(turns):
        pager.turn(1)
    page, seen = pager.page(), pager.seen
    pager.rerank(ids(*after))
    assert pager.page()[: len(page)] == page
    assert pager.ids[:seen].tolist() == before[:seen]
    assert pager.ids[seen:].tolist() == [i for i in after if i not in before[:seen]]
