// @ts-check
// A tile of the gallery: an image with its label, what the model says, and what was decided.

import { answerOf, tileAnswers } from "./concept_bar.js";
import { h } from "./drawing.js";
import { percent } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Act, GalleryState, Tile, Ui} from "./review_states" */

const MARKS = {
  kept: "kept",
  deleted: "deleted",
  unsure: "unsure",
  several: "several classes",
  none: "no class",
  new: "",
  unlabelled: "",
};

/** What happened to an image, in a word. @param {Tile} item */
export function markOf(item) {
  return answerOf(item) || (item.relabelled ? "relabelled" : MARKS[item.state]);
}

/** @param {Tile} item @param {number} place
 * @param {Pick<GalleryState, "offset" | "total" | "classes">} s
 * @param {Pick<Ui, "focus" | "pictures" | "drawn"> & {selected: Pick<Set<number>, "size" | "has">,
 * decoding?: "async"}} ui `decoding`: unless a page is to appear with all its pictures at once
 * @param {Pick<Act, "clicked" | "look" | "focused"> & Partial<Pick<Act, "answer">>} act */
export function tileOf(item, place, s, ui, act) {
  const current = place === ui.focus && !ui.selected.size; // what keys and buttons act on
  // All that its drawing depends on: most tiles of a page stay as they are when a key is pressed.
  const memo = JSON.stringify([
    item,
    place,
    place === ui.focus,
    current,
    ui.selected.has(item.id),
    ui.pictures.has(item.id),
    s.offset,
    s.total,
    s.classes.indexOf(item.label),
  ]);
  const known = ui.drawn.get(item.id) === memo;
  ui.drawn.set(item.id, memo);
  if (known) return h("div", { key: item.id, memo });
  const differs = item.predicted && item.predicted !== item.label;
  const mark = markOf(item);
  const flags = item.flags.filter((flag) => flag !== "flagged");
  const spoken = [
    `${s.offset + place + 1}: ${item.label}`,
    differs && `predicted ${item.predicted} ${percent(item.confidence, 0)}`,
    item.split === "valid" && "validation image",
    item.split === "test" && "test image",
    ...flags,
    item.note,
    mark,
  ]
    .filter(Boolean)
    .join(", ");
  return h(
    "div",
    {
      class: `cu-tile cu-is-${item.state}${item.shows === false ? " cu-lacks" : ""}${current ? " cu-current" : ""}`,
      key: item.id,
      memo,
      role: "option",
      id: `cu-tile-${item.id}`,
      "data-place": place,
      "data-id": item.id,
      "data-band": item.band,
      tabindex: place === ui.focus ? 0 : -1,
      "aria-selected": String(ui.selected.has(item.id)),
      "aria-label": spoken,
      "aria-setsize": s.total,
      "aria-posinset": s.offset + place + 1,
      onclick: (/** @type {MouseEvent} */ e) => act.clicked(e, place),
      ondblclick: () => act.look(place),
      onfocus: () => act.focused(place),
    },
    h(
      "div",
      { class: "cu-picture" },
      ui.pictures.has(item.id)
        ? h("img", {
            src: ui.pictures.get(item.id),
            alt: "",
            draggable: "false",
            decoding: ui.decoding ?? "sync",
          })
        : h("span", { class: "cu-skeleton" }),
      act.answer && tileAnswers(item, place, { answer: act.answer }),
      item.split === "valid" &&
        h(
          "span",
          { class: "cu-flag", title: "Validation image: it measures, and is not learnt" },
          "V",
        ),
      item.split === "test" &&
        h(
          "span",
          { class: "cu-flag", title: "Test image: it judges a finished model, nothing else" },
          "T",
        ),
      flags.length > 0 &&
        h(
          "span",
          { class: "cu-flag cu-flag-right", title: flags.join(", ") },
          flags.length === 1 ? flags[0] : `${flags[0]} +${flags.length - 1}`,
        ),
      h(
        "div",
        { class: "cu-caption" },
        mark && h("span", { class: "cu-mark" }, mark),
        item.note && h("div", { class: "cu-note cu-name", title: item.note }, item.note),
        differs &&
          h(
            "div",
            { class: "cu-says", title: saysOf(item) },
            h("span", { class: "cu-name" }, `${item.predicted}?`),
            h("span", { class: "cu-confidence" }, percent(item.confidence, 0)),
          ),
        h(
          "div",
          { class: "cu-label", title: item.label },
          badge(s.classes, item.label),
          h("span", { class: "cu-name" }, item.label),
        ),
      ),
    ),
  );
}

/** What the model says of an image that it takes for another class. @param {Tile} item */
function saysOf(item) {
  const seen = item.in_sample ? "a model that learnt from it" : "a model that did not see it";
  return `Judged ${item.predicted} by ${seen}, ${percent(item.confidence, 0)} sure`;
}
