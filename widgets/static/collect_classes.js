// @ts-check
// The classes beside what is collected: their counts, and their newest pictures.

import { h } from "./drawing.js";
import { count } from "./figures.js";
import { badge } from "./marks.js";

/** @import {CollectState} from "./states" */

const STRIPS = 8; // classes whose table is shown as a whole

/** Where more images would help most. @param {string} name @param {CollectState["more_of"]} more */
function wanted(name, more) {
  if (more?.label !== name) return null;
  const points = more.points.toFixed(1);
  return h(
    "tr",
    { key: `${name}/wanted`, class: "cu-newest" },
    h(
      "td",
      {
        colspan: 4,
        class: "cu-hint",
        title: `From the learning curve: twice as many images would bring about ${points} points here.`,
      },
      `${count(more.images)} more would help most here`,
    ),
  );
}

/** The newest pictures of a class, which come while it is fetched.
 * @param {CollectState["classes"][number]} item @param {Map<number, string>} pictures */
function newest(item, pictures) {
  const shown = item.newest.filter((id) => pictures.has(id));
  if (!shown.length) return null;
  return h(
    "tr",
    { key: `${item.name}/newest`, class: "cu-newest" },
    h(
      "td",
      { colspan: 4 },
      h(
        "div",
        { class: "cu-strip", role: "img", "aria-label": `The newest images of ${item.name}` },
        shown.map((id) =>
          h("img", { key: id, src: pictures.get(id), alt: "", draggable: "false" }),
        ),
      ),
    ),
  );
}

/** @param {CollectState} state @param {Map<number, string>} pictures */
export function inTheProject(state, pictures) {
  return [
    h("h2", {}, "In the project"),
    h(
      "div",
      { class: state.classes.length > STRIPS ? "cu-window" : false },
      h(
        "table",
        { class: "cu-table" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            h("th", {}, "class"),
            h("th", { class: "cu-right" }, "images"),
            h("th", { class: "cu-right" }, "to fetch"),
            h("th", { class: "cu-right" }, "failed"),
          ),
        ),
        h(
          "tbody",
          {},
          state.classes.map((item) => [
            h(
              "tr",
              { key: item.name },
              h(
                "td",
                { class: "cu-name", title: item.name },
                badge(state.names, item.name),
                " ",
                item.name,
              ),
              h("td", { class: "cu-right" }, count(item.images)),
              h("td", { class: "cu-right" }, count(item.pending)),
              h("td", { class: "cu-right" }, count(item.failed)),
            ),
            wanted(item.name, state.more_of),
            newest(item, pictures),
          ]),
        ),
      ),
    ),
  ];
}
