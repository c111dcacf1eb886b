// @ts-check
// The gallery's foot: decisions as buttons, undo, the way on, advice; and the list of the keys.

import { answers, CONCEPT, known } from "./concept_bar.js";
import { h } from "./drawing.js";
import { count } from "./figures.js";
import { badge, icon } from "./marks.js";

/** @import {Act, GalleryState, Ui} from "./review_states" */
/** @typedef {Pick<GalleryState, "classes" | "can_undo" | "can_redo"> & {kind?: string}} Choosing */
/** @typedef {Pick<Act, "decide" | "relabel" | "like" | "seek" | "undo" | "redo"> & Partial<Act>} Deciding */

const OPEN = ["new", "unlabelled"]; // states of images that nobody decided on

/** What the button does with the rest of a page, by the queue. @type {Record<string, string[]>} */
const REST = {
  others: ["Keep", "Keep what is undecided on this page as it is labelled"],
  "label next": ["Accept", "Give what is left on this page the class that the model says"],
  surest: ["Accept", "Give what is left on this page the class that the model says"],
  strangest: ["No class for", "What is left on this page shows none of the classes"],
  [CONCEPT]: ["No to", "What is not answered on this page does not show it"],
};

/** A double click is one gesture: it decides once, not on the next image too. @param {() => void} todo */
const once = (todo) => (/** @type {MouseEvent} */ event) => event.detail < 2 && todo();

/** The decisions, as buttons.
 * @param {string[]} classes @param {number} number of images that there are to decide on
 * @param {Pick<Act, "decide" | "relabel">} act */
function decisions(classes, number, act) {
  const idle = !number;
  const button = (
    /** @type {string} */ key,
    /** @type {string} */ text,
    /** @type {() => void} */ todo,
    /** @type {boolean} */ off = idle,
    /** @type {string} */ title = text,
  ) =>
    h(
      "button",
      { class: "cu-button", key: text, onclick: once(todo), disabled: off, title },
      h("kbd", { "aria-hidden": "true" }, key),
      text,
    );
  return [
    button("K", "keep", () => act.decide("keep"), idle, "The label is right"),
    button("D", "delete", () => act.decide("delete"), idle, "Leave it out; undo brings it back"),
    classes.slice(0, 9).map((name) =>
      h(
        "button",
        {
          class: "cu-button cu-relabel",
          key: `class ${name}`,
          title: `Relabel as ${name}`,
          disabled: idle,
          onclick: once(() => act.decide("relabel", name)),
        },
        badge(classes, name),
        h("span", { class: "cu-name" }, name),
      ),
    ),
    button(
      "R",
      classes.length > 9 ? "other…" : "class…",
      act.relabel,
      idle,
      "Relabel by typing a class, or a new one",
    ),
    button("X", "unsure", () => act.decide("unsure"), idle, "Look at it again later"),
    button(
      "N",
      "no class",
      () => act.decide("none"),
      idle,
      "It shows none of the classes: left out",
    ),
    button(
      "M",
      "several",
      () => act.decide("several"),
      idle,
      "It shows more than one class: left out",
    ),
  ];
}

/** @param {number} number of images that there are @param {Pick<Act, "like" | "seek">} act */
function alike(number, act) {
  const button = (
    /** @type {string} */ key,
    /** @type {string} */ text,
    /** @type {string} */ title,
    /** @type {() => void} */ todo,
  ) =>
    h(
      "button",
      { class: "cu-button", key: text, disabled: !number, onclick: once(todo), title },
      h("kbd", { "aria-hidden": "true" }, key),
      text,
    );
  return [
    button(
      "L",
      "like",
      "More like this: the images most like it, or like all that is selected",
      act.like,
    ),
    button(
      "C",
      "concept",
      "More of this kind: look for what they show, such as drawings or people",
      act.seek,
    ),
  ];
}

/** What can be done with images: of a concept answers, and decisions elsewhere; what is like them.
 * @param {Choosing} s @param {number} number of images that there are
 * @param {Deciding} act */
export function choices(s, number, act) {
  return [
    s.kind === CONCEPT && act.answer
      ? answers(number, /** @type {Act} */ (act))
      : decisions(s.classes, number, act),
    alike(number, act),
  ];
}

/** @param {Choosing} s @param {Pick<Act, "undo" | "redo">} act */
function undoing(s, act) {
  return h(
    "span",
    { class: "cu-turning" },
    h(
      "button",
      { class: "cu-button", key: "undo", disabled: !s.can_undo, onclick: act.undo },
      h("kbd", { "aria-hidden": "true" }, "U"),
      "undo",
    ),
    h(
      "button",
      { class: "cu-button", key: "redo", disabled: !s.can_redo, onclick: act.redo },
      s.kind !== CONCEPT && h("kbd", { "aria-hidden": "true" }, "Y"),
      "redo",
    ),
  );
}

/** What a foot begins with: decisions and undo.
 * @param {Choosing} s @param {number} number @param {Deciding} act */
export function actions(s, number, act) {
  return h(
    "div",
    { class: s.classes.length > 5 ? "cu-actions cu-many" : "cu-actions" },
    h(
      "div",
      { class: "cu-decisions", role: "toolbar", "aria-label": "Decisions" },
      choices(s, number, act),
    ),
    undoing(s, act),
  );
}

/** @param {GalleryState} s @param {Act} act */
function turning(s, act) {
  const end = s.offset + s.tiles.length;
  const isOpen = (/** @type {GalleryState["tiles"][0]} */ tile) =>
    s.kind === CONCEPT ? tile.shows === null : OPEN.includes(tile.state);
  const open = s.tiles.filter(isOpen).length;
  const [verb, meaning] = REST[s.kind] ?? REST.others;
  return h(
    "span",
    { class: "cu-turning" },
    h(
      "button",
      {
        class: "cu-button",
        onclick: () => act.turn(-1),
        disabled: s.offset === 0,
        "aria-label": "Previous page",
      },
      "‹",
    ),
    h(
      "span",
      { class: "cu-hint cu-where" },
      s.total ? `${count(s.offset + 1)}–${count(end)} of ${count(s.total)}` : "",
    ),
    h(
      "button",
      {
        class: "cu-button",
        onclick: () => act.turn(1),
        disabled: end >= s.total,
        "aria-label": "Next page",
      },
      "›",
    ),
    h(
      "button",
      {
        class: "cu-button cu-primary cu-rest",
        onclick: once(act.rest),
        disabled: !s.tiles.length,
        title: `${meaning}, and go on`,
      },
      open ? `${verb} ${open === 1 ? "this one" : `these ${open}`}` : "Go on",
      h("kbd", { "aria-hidden": "true" }, "↵"),
    ),
  );
}

/** The foot, which never moves: decisions and undo; what was said, the advice and the way on.
 * @param {GalleryState} s @param {Ui} ui @param {Act} act */
export function footOf(s, ui, act) {
  const number = ui.selected.size;
  const advice = s.kind === CONCEPT || s.expected ? null : s.advice;
  return h(
    "div",
    { class: "cu-foot" },
    actions(s, s.tiles.length, act),
    h(
      "div",
      { class: "cu-going" },
      h(
        "div",
        { class: "cu-told" },
        h(
          "p",
          {
            class: `cu-advice${advice?.stop ? " cu-stop" : ""}${s.expected ? " cu-expected" : ""}`,
            title: advice?.why,
          },
          advice?.stop && icon("check"),
          h("span", {}, s.expected || (known(s)?.sentence ?? advice?.sentence)),
        ),
        h(
          "p",
          { class: "cu-status", role: "status", "aria-live": "polite", title: s.status },
          number ? `${number} selected. ${s.status}` : s.status,
        ),
      ),
      s.audit > 0 &&
        h(
          "button",
          {
            class: "cu-button cu-audit",
            key: "audit",
            onclick: once(act.audit),
            title: "Look at a random tenth of what was accepted: it tells how many are wrong",
          },
          `Check ${s.audit} at random`,
        ),
      turning(s, act),
    ),
  );
}

const KEYS_SHOWN = [
  ["arrows", "move; with Shift, select"],
  ["Space or Z", "enlarge, and close"],
  ["W", "enlarged: why, the evidence for label and prediction"],
  ["S or Ctrl Space", "select or not"],
  ["Ctrl A", "select the page"],
  ["K", "keep: the label is right"],
  ["D or Delete", "delete (undo brings it back)"],
  ["1–9", "relabel as that class"],
  ["R", "relabel by typing a class, or a new one"],
  ["X", "unsure"],
  ["N", "none of the classes"],
  ["M", "more than one class"],
  ["L", "more like this, or like what is selected"],
  ["C", "look for what it shows, a concept; there Y and N answer"],
  ["U or Ctrl Z", "undo, back to the project's beginning"],
  ["Y or Ctrl Shift Z", "redo"],
  ["Enter", "keep the rest of the page, go on"],
  ["PageDown, PageUp", "turn the page"],
  ["Home, End", "first and last of the page"],
  ["+ and −", "larger, smaller"],
  ["G and 0–5", "another station, from everywhere: G 0 is Data, G 3 Train"],
  ["Ctrl Enter", "the coloured button nearest to where you are, also from a field"],
  ["Esc", "close, or unselect"],
  ["?", "these keys"],
];

/** @param {Act} act */
export function helpBox(act) {
  return h(
    "div",
    { class: "cu-help", role: "dialog", "aria-label": "Keys" },
    h(
      "div",
      { class: "cu-row cu-spread" },
      h("h2", {}, "Keys"),
      h(
        "button",
        { class: "cu-quiet", "aria-label": "Close the keys", onclick: act.help },
        icon("cross"),
      ),
    ),
    h(
      "dl",
      {},
      KEYS_SHOWN.map(([key, text]) =>
        h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)),
      ),
    ),
    h(
      "p",
      { class: "cu-hint" },
      "Mouse: click, Ctrl click, Shift click, or drag a box. Touch: hold to select, tap twice to enlarge. A decision is for what is selected, or for the image in focus.",
    ),
  );
}
