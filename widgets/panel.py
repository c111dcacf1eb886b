"""What all panels share: a state that the script draws, and messages that it sends back.

A panel's script is ``static/drawing.js`` followed by the panel's own file: a widget's script is one
module and cannot import its neighbours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from curator.errors import CuratorError

STATIC = Path(__file__).parent / "static"

Handler = Callable[[dict[str, Any]], None]


def script(*names: str) -> str:
    """The module of a panel: what all share, and the files of ``names``."""
    files = [STATIC / f"{name}.js" for name in ("drawing", *names)]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


STYLE = (STATIC / "theme.css").read_text(encoding="utf-8")


class Panel(anywidget.AnyWidget):
    """A widget that draws ``state``. ``handlers`` name what the script may ask for."""

    _css = STYLE
    state = traitlets.Dict().tag(sync=True)

    def __init__(self, handlers: dict[str, Handler], **state: Any) -> None:
        super().__init__(state=state)
        self._handlers = handlers
        self.on_msg(self._received)

    def show(self, **changes: Any) -> None:
        """Change parts of the state; the page redraws only if something differs."""
        merged = {**self.state, **changes}
        if merged != self.state:
            self.state = merged

    def _received(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        handler = self._handlers.get(str(content.get("do")))
        if handler is None:
            logging.getLogger(__name__).warning("unknown message %s", content)
            return
        complain = self._handlers.get("error", lambda _: None)
        self.guard(lambda: handler(content), complain)

    @staticmethod
    def guard(work: Callable[[], None], complain: Handler) -> None:
        """Run a callback; what it raises is shown on the page, never swallowed."""
        try:
            work()
        except CuratorError as error:
            complain({"text": str(error)})
        except Exception as error:
            logging.getLogger(__name__).exception("a callback of the page failed")
            complain({"text": f"Something unforeseen went wrong: {type(error).__name__}: {error}"})
