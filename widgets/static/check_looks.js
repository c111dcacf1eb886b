// @ts-check
// What a network that saw none of the labels calls the images of each class.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {CheckState, Counted, Look} from "./states" */

export const CLASSES = 12; // beyond them the others are folded
const COMMON = 4; // names shown of each class; the others, rarer and stranger, are in the list

/** What the pretrained network calls the images of one class.
 * @param {CheckState} state @param {Look} row @param {Send} send */
function looks(state, row, send) {
  const chip = (/** @type {Counted} */ tag) =>
    h(
      "button",
      {
        class: "cu-chip",
        key: tag.name,
        title: `Images of ${row.label} that look like ${tag.name}`,
        onclick: () => send({ do: "queue", queue: "all", label: row.label, tag: tag.name }),
      },
      tag.name.split(",")[0],
      h("span", { class: "cu-figure" }, count(tag.images)),
    );
  const rest = row.tags.slice(COMMON);
  return h(
    "div",
    { class: "cu-looks", key: row.label },
    h(
      "p",
      { class: "cu-label" },
      badge(state.names, row.label),
      h("span", { class: "cu-name" }, row.label),
    ),
    h("div", { class: "cu-chips" }, row.tags.slice(0, COMMON).map(chip)),
    rest.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, `and ${many(rest.length, "rarer name")}`),
        h("div", { class: "cu-chips" }, rest.map(chip)),
      ),
  );
}

/** How many classes are folded. @param {number} all */
export const moreClasses = (all) => `and ${many(all - CLASSES, "more class", "more classes")}`;

/** What it calls all classes; beyond a dozen they are folded. @param {CheckState} state @param {Send} send */
export function named(state, send) {
  const rows = state.looks.filter((row) => row.tags.length).map((row) => looks(state, row, send));
  if (rows.length <= CLASSES) return rows;
  return [
    ...rows.slice(0, CLASSES),
    h(
      "details",
      { key: "more", "data-part": "more-looks" },
      h("summary", {}, moreClasses(rows.length)),
      rows.slice(CLASSES),
    ),
  ];
}
