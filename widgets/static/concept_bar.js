// @ts-check
// A concept in Review: does an image show it or not, how many do, and its name.

import { h } from "./drawing.js";

/** @import {Act, GalleryState, Tile} from "./review_states" */

export const CONCEPT = "concept";

/** A double click is one gesture: it answers once, not for the next image too. @param {() => void} todo */
const once = (todo) => (/** @type {MouseEvent} */ event) => event.detail < 2 && todo();

/** The answers, as buttons, in the place of decisions. @param {number} number of images
 * @param {Pick<Act, "answer" | "decide" | "relabel">} act */
export function answers(number, act) {
  /** @type {[string, string, string, () => void][]} */
  const buttons = [
    ["Y", "shows it", "Yes: it shows the concept", () => act.answer(true)],
    ["N", "does not", "No: it does not show the concept", () => act.answer(false)],
    ["D", "delete", "Leave it out; undo brings it back", () => act.decide("delete")],
    ["R", "class…", "Relabel by typing a class, or a new one", act.relabel],
  ];
  return buttons.map(([key, text, title, todo]) =>
    h(
      "button",
      { class: "cu-button", key: text, title, disabled: !number, onclick: once(todo) },
      h("kbd", { "aria-hidden": "true" }, key),
      text,
    ),
  );
}

/** The answers on a tile, for the mouse and for touch: keys and the foot have them, too.
 * @param {Tile} item @param {number} place @param {Pick<Act, "answer">} act */
export function tileAnswers(item, place, act) {
  if (item.shows === undefined) return false;
  const answer = (/** @type {boolean} */ shows, /** @type {string} */ text) =>
    h(
      "span",
      {
        class: `cu-answer ${shows ? "cu-yes" : "cu-no"}${item.shows === shows ? " cu-given" : ""}`,
        title: shows ? "Shows it (Y)" : "Does not show it (N)",
        onclick: (/** @type {MouseEvent} */ event) => {
          event.stopPropagation();
          if (event.detail < 2) act.answer(shows, place);
        },
        ondblclick: (/** @type {MouseEvent} */ event) => event.stopPropagation(),
      },
      text,
    );
  return h(
    "span",
    { class: "cu-answers", "aria-hidden": "true" },
    answer(true, "✓"),
    answer(false, "✗"),
  );
}

/** What was answered of an image, in words; "" for nothing. @param {Tile} item */
export const answerOf = (item) =>
  item.shows === true ? "shows it" : item.shows === false ? "does not" : "";

/** What is known of the concept that is shown, as soon as it was counted. @param {GalleryState} s */
export const known = (s) =>
  s.kind === CONCEPT
    ? s.concepts.find((one) => one.name.toLowerCase() === s.filters.like.toLowerCase())
    : undefined;

/** Its name and its end. @param {GalleryState} s @param {Pick<Act, "rename" | "unseek">} act */
export function naming(s, act) {
  if (s.kind !== CONCEPT || !s.filters.like) return false;
  return h(
    "span",
    { class: "cu-naming" },
    h("button", { class: "cu-link", name: "rename", onclick: act.rename }, "Rename"),
    h(
      "button",
      {
        class: "cu-link",
        name: "unseek",
        title: "Look for it no longer; by the same name its answers are back",
        onclick: once(act.unseek),
      },
      "Remove",
    ),
  );
}
