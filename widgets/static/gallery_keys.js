// @ts-check
// The gallery's keys.

import { decisionKeys, FIELDS } from "./decision_keys.js";
import { columnsOf } from "./gallery_fit.js";

/** @import {Act, GalleryState, Ui} from "./review_states" */

/** What answers the keys pressed within `el`.
 * @param {HTMLElement} el @param {Ui} ui @param {Act} act @param {() => GalleryState} state
 * @returns {(event: KeyboardEvent) => void} */
export function answeringKeys(el, ui, act, state) {
  const tiles = () => state().tiles;

  const look = () => (ui.zoom ? act.close() : act.look(ui.focus));
  const toggle = () => act.toggle(tiles()[ui.focus]?.id);
  const answer = decisionKeys(
    act,
    () => state().classes,
    {
      ArrowRight: (e) => act.move(ui.focus + 1, e.shiftKey),
      ArrowLeft: (e) => act.move(ui.focus - 1, e.shiftKey),
      ArrowDown: (e) => act.move(ui.focus + (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
      ArrowUp: (e) => act.move(ui.focus - (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
      Home: (e) => act.move(0, e.shiftKey),
      End: (e) => act.move(tiles().length - 1, e.shiftKey),
      PageDown: () => act.turn(1),
      PageUp: () => act.turn(-1),
      Enter: () => act.rest(),
      " ": look,
      z: look,
      w: () => act.why(),
      s: toggle,
      "?": () => act.help(),
      Escape: () => (ui.zoom || ui.help || ui.relabel ? act.close() : act.select([])),
    },
    { " ": toggle, a: () => act.select(tiles().map((tile) => tile.id)) },
  );

  function keyed(/** @type {KeyboardEvent} */ event) {
    const { tagName } = /** @type {HTMLElement} */ (event.target);
    const isLeaving = event.key === "Tab" && ui.zoom && !event.altKey;
    if (isLeaving && !FIELDS.includes(tagName)) keepInside(event);
    else answer(event);
  }

  /** The focus stays in the enlarged view while it is open. */
  function keepInside(/** @type {KeyboardEvent} */ event) {
    const stops = /** @type {HTMLElement[]} */ ([
      ...el.querySelectorAll(".cu-zoom button:not([disabled]), .cu-zoom [tabindex='0']"),
    ]);
    const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = event.shiftKey ? at - 1 : at + 1;
    event.preventDefault();
    stops[(next + stops.length) % stops.length]?.focus();
  }

  return keyed;
}
