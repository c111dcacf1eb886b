// @ts-check
// What the sections beside the gallery share: they fold, and say where nothing is to be seen yet.

import { h } from "./drawing.js";

/** @import {Child, Send} from "./types" */
/** @import {SectionState} from "./review_states" */

/** What a section's script holds that is not the kernel's: whether it is open.
 * @param {{get(name: "state"): SectionState}} model */
export function folded(model) {
  return { open: Boolean(model.get("state").opened) };
}

/**
 * A section that folds; what it shows is counted when it opens.
 * @param {string} name of the part, for its look and for tests
 * @param {string} title
 * @param {Child} figure a word or number beside the title, seen while it is folded too
 * @param {SectionState} state @param {{open: boolean}} own @param {Send} send
 * @param {() => Child} body
 */
export function section(name, title, figure, state, own, send, body) {
  return h(
    "section",
    { class: `cu-panel cu-section cu-${name}`, "data-part": name },
    h(
      "details",
      {
        class: "cu-card",
        open: own.open,
        ontoggle: (event) => {
          if (own.open === event.target.open) return;
          own.open = event.target.open;
          send({ do: "open", open: own.open });
        },
      },
      h("summary", {}, h("h2", {}, title), h("span", { class: "cu-figure" }, figure)),
      h(
        "div",
        { class: "cu-inside" },
        state.counted ? body() : h("p", { class: "cu-hint" }, "Counting…"),
      ),
    ),
  );
}

/** Nothing to be seen yet: why, and the next step. @param {string} text @param {Child} [button] */
export function blank(text, button) {
  return h("div", { class: "cu-empty" }, h("p", {}, text), button);
}
