// @ts-check
// The gallery's keys.

import { CONCEPT } from "./concept_bar.js";
import { decisionKeys, FIELDS } from "./decision_keys.js";
import { columnsOf } from "./gallery_fit.js";

/** @import {Keys} from "./decision_keys" */
/** @import {Act, GalleryState, Ui} from "./review_states" */

/** What answers the keys pressed within `el`.
 * @param {HTMLElement} el @param {Ui} ui @param {Act} act @param {() => GalleryState} state
 * @returns {(event: KeyboardEvent) => void} */
export function answeringKeys(el, ui, act, state) {
  const tiles = () => state().tiles;

  const look = () => (ui.zoom ? act.close() : act.look(ui.focus));
  const toggle = () => act.toggle(tiles()[ui.focus]?.id);
  const nothing = () => {};
  /** @type {Keys} */
  const own = {
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
    Escape: () => (ui.zoom || ui.help ? act.close() : act.select([])),
  };
  /** @type {Keys} */
  const controlled = { " ": toggle, a: () => act.select(tiles().map((tile) => tile.id)) };
  const decide = decisionKeys(act, () => state().classes, own, controlled);
  // A concept's queue asks one thing: the other decisions have neither button nor key there.
  const ofConcept = { k: nothing, x: nothing, m: nothing };
  const answer = decisionKeys(
    act,
    () => [],
    { ...own, ...ofConcept, y: () => act.answer(true), n: () => act.answer(false) },
    controlled,
  );

  function keyed(/** @type {KeyboardEvent} */ event) {
    const { tagName } = /** @type {HTMLElement} */ (event.target);
    const isLeaving = event.key === "Tab" && ui.zoom && !event.altKey;
    if (isLeaving && !FIELDS.includes(tagName)) keepInside(event);
    else (state().kind === CONCEPT ? answer : decide)(event);
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
