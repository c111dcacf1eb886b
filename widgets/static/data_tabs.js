// @ts-check
// The faces of Data: the classes, the grid of everything, and the map; and what is like a picture.

import { h } from "./drawing.js";
import { likePicture } from "./like_picture.js";

/** @import {Send} from "./types" */

/** @param {"" | "grid" | "map"} shown @param {Send} send */
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
  return [
    h(
      "div",
      { class: "cu-data-tabs", key: "tabs", role: "group", "aria-label": "Data" },
      tab("", "Classes"),
      tab("grid", "Grid"),
      tab("map", "Map"),
    ),
    likePicture(send),
  ];
}
