// @ts-check
// A project's home: what to do next, and a row a class with its pictures.

import { dataTabs } from "./data_tabs.js";
import { drawn, h } from "./drawing.js";
import { count, many } from "./figures.js";
import { holding } from "./held_pictures.js";
import { badge } from "./marks.js";

/** @import {Context, Send} from "./types" */
/** @import {ClassRow, DataState, Sign} from "./data_states" */
/** @import {PicturesMessage} from "./review_states" */

/** A problem of a class, which opens what shows it.
 * @param {ClassRow} row @param {Sign} sign @param {Send} send */
function chip(row, sign, send) {
  const open = () =>
    sign.queue
      ? send({ do: "queue", queue: sign.queue, label: row.label })
      : send({ do: "go", station: sign.station });
  const words = sign.words.replace(String(sign.count), count(sign.count));
  return h("button", { class: "cu-chip cu-sign", key: sign.words, onclick: open }, words);
}

/** The sides of the split, as a bar. @param {ClassRow} row @param {number} largest of all classes */
function split(row, largest) {
  const rest = row.images - row.train - row.valid - row.test;
  const share = (/** @type {number} */ part) => `width:${(100 * part) / Math.max(1, largest)}%`;
  const said = [
    `${count(row.train)} train`,
    `${count(row.valid)} validate`,
    row.test > 0 && `${count(row.test)} test`,
    rest > 0 && `${count(rest)} not yet in any`,
  ].filter(Boolean);
  return h(
    "div",
    { class: "cu-split", role: "img", "aria-label": said.join(", "), title: said.join(", ") },
    h("span", { class: "cu-split-train", style: share(row.train) }),
    h("span", { class: "cu-split-valid", style: share(row.valid) }),
    h("span", { class: "cu-split-test", style: share(row.test) }),
    h("span", { class: "cu-split-rest", style: share(rest) }),
  );
}

const FEW = 4; // fewer classes have two lines of pictures each
const MANY = 60; // of more there are few pictures each, so they stand side by side

/** @param {ClassRow} row @param {string[]} names @param {number} largest
 * @param {Map<number, string>} pictures @param {Send} send */
function classRow(row, names, largest, pictures, send) {
  const open = () => send({ do: "tab", tab: "grid", label: row.label });
  return h(
    "li",
    { class: "cu-class", key: row.id, "data-class": row.label },
    h(
      "div",
      { class: "cu-class-head" },
      h(
        "button",
        { class: "cu-class-open", onclick: open, title: `All images of ${row.label}` },
        badge(names, row.label),
        h("span", { class: "cu-name" }, row.label),
        h("span", { class: "cu-figure" }, count(row.images)),
      ),
      split(row, largest),
      row.signs.length > 0 &&
        h(
          "div",
          { class: "cu-chips" },
          row.signs.map((sign) => chip(row, sign, send)),
        ),
    ),
    h(
      "div",
      { class: "cu-class-strip", onclick: open, "aria-hidden": "true" }, // the name does the same
      row.newest.map((id) =>
        h(
          "span",
          { class: "cu-class-picture", key: id },
          pictures.has(id) && h("img", { src: pictures.get(id), alt: "", draggable: "false" }),
        ),
      ),
    ),
  );
}

/** @param {DataState} state @param {Map<number, string>} pictures @param {Send} send */
function data(state, pictures, send) {
  const { rows, step } = state;
  const names = (rows ?? []).map((row) => row.label);
  const largest = Math.max(1, ...(rows ?? []).map((row) => row.images));
  return h(
    "div",
    { class: "cu-panel cu-home" },
    h(
      "div",
      { class: "cu-home-head" },
      h("h1", { class: "cu-hidden" }, "Data"),
      dataTabs("", send),
      step &&
        h(
          "div",
          { class: "cu-step", "data-step": step.station },
          h("p", {}, h("span", { class: "cu-hint" }, "Next: "), step.sentence),
          h(
            "button",
            {
              class: "cu-button cu-primary",
              onclick: () => send({ do: "go", station: step.station }),
            },
            step.title,
          ),
        ),
    ),
    rows === null
      ? h("p", { class: "cu-hint" }, "Counting…")
      : h(
          "ul",
          {
            class: `cu-classes-all${rows.length < FEW ? " cu-few" : rows.length > MANY ? " cu-abreast" : ""}`,
            "aria-label": many(rows.length, "class", "classes"),
          },
          rows.map((row) => classRow(row, names, largest, pictures, send)),
        ),
  );
}

export default {
  /** @param {Context<DataState, PicturesMessage>} context */
  render({ model, el }) {
    const held = holding(model, () => page.redraw());
    const page = drawn(model, el, (state, send) => data(state, held.pictures, send));
    held.ask();
    return () => {
      page.end();
      held.end();
    };
  },
};
