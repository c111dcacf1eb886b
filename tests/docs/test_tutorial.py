"""The tutorial's notebook runs on the bundled sample, and is committed as a run leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from docs.run_tutorial import NOTEBOOK, committed, executed

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 100_000  # bytes of the file with its outputs


def shapes(notebook: Any) -> Iterator[tuple[str, list[str]]]:
    """Give (source, kinds of its outputs) of each cell with code."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            kinds = [kind for output in cell.outputs for kind in output.get("data", {"text": ""})]
            yield cell.source, sorted(kinds)


def words(notebook: Any) -> str:
    """All that the cells printed."""
    return "\n".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", [])
    )


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_tutorial_runs() -> None:
    """Every cell runs, and gives what the committed notebook shows, down to the images' number."""
    kept, fresh = committed(), executed()
    assert list(shapes(fresh)) == list(shapes(kept))
    for text in (words(fresh), words(kept)):
        assert "561 images in 3 classes" in text
        assert "of the same 112 validation images" in text


@pytest.mark.slow
def test_the_tutorial_is_committed_with_its_outputs() -> None:
    """Somebody who only reads sees what it prints and the pictures; no path of a machine."""
    kept = committed()
    given = [cell for cell in kept.cells if cell.cell_type == "code" and cell.outputs]
    assert len(given) > 8
    assert any("image/jpeg" in kinds for _, kinds in shapes(kept))
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert "/tmp" not in text
    assert "/home" not in text
    assert len(text) < LARGEST
