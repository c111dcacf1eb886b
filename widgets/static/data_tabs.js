// @ts-check
// The two faces of Data: the classes, and the grid of everything.

import { h } from "./drawing.js";

/** @import {Send} from "./types" */

/** @param {"" | "grid"} shown @param {Send} send */
export function dataTabs(shown, send) {
  const tab = (/** @type {string} */ name, /** @type {string} */ title) =>
    h(
      "button",
      {
        class: "cu-data-tab",
        key: title,
        "aria-pressed": String(name === shown),
        onclick: () => name !== shown && send({ do: "tab", tab: name }),
      },
      title,
    );
  return h(
    "div",
    { class: "cu-data-tabs", role: "group", "aria-label": "Data" },
    tab("", "Classes"),
    tab("grid", "Grid"),
  );
}
