// @ts-check
// Keys that all stations share: G and a station's number, one after the other, open it, and Ctrl
// Enter presses the coloured button that is nearest to the focus, as a click would: the focus goes
// along, and so with the station that the button leads away from. On the rail it would stay, where
// an Enter meant for the first picture of a queue would lead back. From a field it does not move.

import { FIELDS } from "./decision_keys.js";

const WAITS = 2000; // milliseconds from G to the number

/** The coloured button nearest to an element: of its own form or section before others.
 * @param {Element} from @returns {HTMLElement | undefined} */
function nearest(from) {
  for (let part = /** @type {Element | null} */ (from); part; part = part.parentElement) {
    const all = /** @type {NodeListOf<HTMLElement>} */ (
      part.querySelectorAll(".cu-primary:not([disabled])")
    );
    const shown = [...all].find((button) => button.offsetParent);
    if (shown) return shown;
  }
}

/** Answer them until what is returned is called. @param {HTMLElement} el holds the rail's stations */
export function stationKeys(el) {
  let asked = -WAITS; // when G was pressed
  const going = (/** @type {KeyboardEvent} */ event) => {
    const { key, timeStamp, repeat } = event;
    const { tagName } = /** @type {Element} */ (event.target);
    const controlled = event.ctrlKey || event.metaKey || event.altKey;
    if (repeat || controlled || FIELDS.includes(tagName) || el.closest("[inert]")) return;
    const waited = timeStamp - asked < WAITS;
    asked = key.toLowerCase() === "g" ? timeStamp : -WAITS;
    const stations = /** @type {NodeListOf<HTMLElement>} */ (el.querySelectorAll(".cu-station"));
    const station = waited && /^\d$/.test(key) ? stations[Number(key)] : undefined;
    if (asked !== timeStamp && !station) return;
    event.preventDefault();
    event.stopPropagation(); // a number is a class elsewhere
    station?.focus();
    station?.click();
  };
  const doing = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    if (event.repeat || event.defaultPrevented || el.closest("[inert]")) return;
    const from = /** @type {Element} */ (event.target);
    const button = nearest(from);
    if (!button) return;
    event.preventDefault();
    if (!FIELDS.includes(from.tagName)) button.focus();
    button.click();
  };
  window.addEventListener("keydown", going, { capture: true });
  window.addEventListener("keydown", doing);
  return () => {
    window.removeEventListener("keydown", going, { capture: true });
    window.removeEventListener("keydown", doing);
  };
}
