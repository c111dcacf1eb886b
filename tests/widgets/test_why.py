"""Why in the enlarged view: an overlay for each class comes, or a sentence that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.widgets.kernel import tell
from tests.widgets.test_gallery import HANDLERS, shown
from widgets.gallery import Gallery

if TYPE_CHECKING:
    from curator.project import Project


class Remembering(Gallery):
    """A gallery that remembers what it sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], list[bytes]]] = []
        super().__init__(HANDLERS)

    def send(self, content: Any, buffers: Any = None) -> None:
        """Send, and remember."""
        super().send(content, buffers)
        self.sent.append((content, list(buffers or ())))

    def why(self, image_id: int) -> list[tuple[dict[str, Any], list[bytes]]]:
        """Ask as the page does; what came."""
        self.sent.clear()
        tell(self, do="why", id=image_id)
        return [found for found in self.sent if found[0].get("type") == "why"]


def test_overlays_and_what_stands_in_their_way(sample_copy: Project) -> None:
    """The prediction comes first; an image that is not on the page gets no answer."""
    gallery = Remembering()
    gallery.project = sample_copy
    gallery.show_queue("suspicious")
    first = shown(gallery)[0]
    details = sample_copy.details(first)
    ((message, pictures),) = gallery.why(first)
    assert [one["name"] for one in message["classes"]] == [details.predicted, details.label]
    assert [one["is_label"] for one in message["classes"]] == [False, True]
    assert message["exact"]
    assert [picture[:4] for picture in pictures] == [b"\x89PNG"] * 2
    assert gallery.why(10**6) == []
    sample_copy.original(details.file).path.unlink()
    ((message, pictures),) = gallery.why(first)
    assert (message["classes"], pictures) == ([], [])
    assert "original" in message["said"].lower()
