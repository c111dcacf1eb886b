// @ts-check
// The gallery as a whole: the queues, the page of tiles, the foot, and what lies over them.

import { h } from "./drawing.js";
import { footOf, helpBox } from "./gallery_foot.js";
import { queueBar, queueList, SIZES } from "./gallery_queue.js";
import { tileOf } from "./gallery_tile.js";
import { zoomBox } from "./gallery_zoom.js";
import { problem } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {Act, GalleryState, Ui} from "./review_states" */

/** @param {GalleryState} s @param {Ui} ui @param {Act} act @param {Send} send */
export function stage(s, ui, act, send) {
  const step = s.step;
  return h(
    "div",
    { class: `cu-gallery${ui.drawer ? " cu-drawn" : ""}` },
    queueList(s, ui, act),
    h(
      "div",
      { class: "cu-stage" },
      queueBar(s, ui, act),
      problem(s.error),
      s.tiles.length === 0
        ? Boolean(s.empty) &&
            h(
              "div",
              { class: "cu-card cu-blank" },
              h("p", {}, s.empty),
              step &&
                h(
                  "button",
                  {
                    class: "cu-button cu-primary",
                    onclick: () => send({ do: "go", station: step.station }),
                  },
                  step.title,
                ),
            )
        : h(
            "div",
            {
              class: `cu-tiles cu-size-${s.size}${ui.whole ? " cu-whole-images" : ""}${ui.waiting ? " cu-waiting" : ""}`,
              role: "listbox",
              "aria-label": "Images to review",
              "aria-multiselectable": "true",
              "aria-busy": String(ui.waiting),
              style: `--tile:${SIZES[s.size]}px${ui.columns ? `;grid-template-columns:repeat(${ui.columns},minmax(0,1fr))` : ""}`,
            },
            s.tiles.map((item, place) => tileOf(item, place, s, ui, act)),
          ),
      footOf(s, ui, act),
    ),
    ui.help && helpBox(act),
    ui.zoom && zoomBox(s, ui, act),
    ui.typing?.view({ classes: s.classes, concepts: s.concepts.map((one) => one.name) }),
  );
}
