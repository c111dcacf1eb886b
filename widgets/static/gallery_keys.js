// @ts-check
// The gallery's keys. While a field has the focus they are the field's.

import { columnsOf } from "./gallery_fit.js";

/** @import {Act, GalleryState, Ui} from "./review_states" */

/** What answers the keys pressed within `el`.
 * @param {HTMLElement} el @param {Ui} ui @param {Act} act @param {() => GalleryState} state
 * @returns {(event: KeyboardEvent) => void} */
export function answeringKeys(el, ui, act, state) {
  const tiles = () => state().tiles;

  /** @type {Record<string, (e: KeyboardEvent) => void>} */
  const KEYS = {
    ArrowRight: (e) => act.move(ui.focus + 1, e.shiftKey),
    ArrowLeft: (e) => act.move(ui.focus - 1, e.shiftKey),
    ArrowDown: (e) => act.move(ui.focus + (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
    ArrowUp: (e) => act.move(ui.focus - (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
    Home: (e) => act.move(0, e.shiftKey),
    End: (e) => act.move(tiles().length - 1, e.shiftKey),
    PageDown: () => act.turn(1),
    PageUp: () => act.turn(-1),
    Enter: () => act.rest(),
    " ": () => (ui.zoom ? act.close() : act.look(ui.focus)),
    z: () => (ui.zoom ? act.close() : act.look(ui.focus)),
    s: () => act.toggle(tiles()[ui.focus]?.id),
    Delete: () => act.decide("delete"),
    d: () => act.decide("delete"),
    k: () => act.decide("keep"),
    x: () => act.decide("unsure"),
    n: () => act.decide("none"),
    m: () => act.decide("several"),
    r: () => act.relabel(),
    u: () => act.undo(),
    y: () => act.redo(),
    "+": () => act.larger(1),
    "=": () => act.larger(1),
    "-": () => act.larger(-1),
    "?": () => act.help(),
    Escape: () => (ui.zoom || ui.help || ui.relabel ? act.close() : act.select([])),
  };

  /** A key that is held decides once; it may move on and on. */
  const STEPS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp"];

  function keyed(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
    if (target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
    if (event.key === "Tab" && ui.zoom) return keepInside(event);
    if (event.repeat && !STEPS.includes(event.key)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (name === "z") (event.shiftKey ? act.redo : act.undo)();
      else if (name === "y") act.redo();
      else if (name === " ") act.toggle(tiles()[ui.focus]?.id);
      else if (name === "a") act.select(tiles().map((tile) => tile.id));
      else return;
      event.preventDefault();
    } else if (/^[1-9]$/.test(name)) {
      const label = state().classes[Number(name) - 1];
      if (label) {
        event.preventDefault();
        act.decide("relabel", label);
      }
    } else if (KEYS[name]) {
      event.preventDefault();
      KEYS[name](event);
    }
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
