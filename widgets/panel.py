"""What all panels share: a state that the script draws, and messages that it sends back.

A panel's script is the module of its name in ``static/``, which the dashboard's server gives to the
page (:mod:`widgets.page_files`); what travels with the widget only loads it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import anywidget
import ipywidgets
import traitlets

from curator.errors import CuratorError

Handler = Callable[[dict[str, Any]], None]


# It is the drawing that waits for the module: a widget that takes two seconds to load gets no more
# messages. Only the dashboard's own server gives the modules; a notebook's says so.
LOADER = """\
const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
let leaving = false; // a page that goes has no kernel to send anything to
for (const name of ["pagehide", "beforeunload"])
  addEventListener(name, () => {
    leaving = true;
  });
export default {
  async render(context) {
    if (!config.curatorStatic) {
      context.el.textContent = "This page is served by the command: curator dashboard";
      return;
    }
    const address = new URL(config.curatorStatic + "NAME.js", location.origin);
    const of = context.model;
    const number = () => of.get("project_number");
    const send = (said, ...more) => {
      try {
        of.send({ ...said, project_number: number() }, ...more);
      } catch (error) {
        if (!leaving) throw error;
      }
    };
    const own = (name) => (typeof of[name] === "function" ? of[name].bind(of) : of[name]);
    const model = new Proxy(of, { get: (_, name) => (name === "send" ? send : own(name)) });
    return (await import(address.href)).default.render({ ...context, model });
  },
};
"""


def script(name: str) -> str:
    """The script of a widget that is drawn by ``static/NAME.js``."""
    return LOADER.replace("NAME", name)


class Panel(anywidget.AnyWidget):
    """A widget that draws ``state``. ``handlers`` name what the script may ask for.

    ``project_number`` counts the projects that the page has opened. A message comes with the count
    that its view had: a key that was pressed a moment too late, when another project was being
    opened, would mean images of that one, and is let go. "ready" alone is of the view itself.
    """

    state = traitlets.Dict().tag(sync=True)
    project_number = traitlets.Int().tag(sync=True)

    def __init__(self, handlers: dict[str, Handler], **state: Any) -> None:
        super().__init__(state=state)
        self._handlers = handlers
        self.on_msg(self._received)

    @staticmethod
    def within(widget: ipywidgets.DOMWidget) -> Iterator[Panel]:
        """Give the panels of a widget, itself included."""
        if isinstance(widget, Panel):
            yield widget
        for child in getattr(widget, "children", ()):
            yield from Panel.within(child)

    def show(self, **changes: Any) -> None:
        """Change parts of the state; the page redraws only if something differs."""
        merged = {**self.state, **changes}
        if merged != self.state:
            self.state = merged

    def _received(self, _widget: Any, content: dict[str, Any], buffers: Any) -> None:
        number = content.get("project_number", self.project_number)
        if number != self.project_number and content.get("do") != "ready":
            return
        if buffers:
            content = {**content, "buffers": buffers}
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
