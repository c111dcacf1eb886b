// @ts-check
// The map's keys: those that decide are Review's; arrows move a box, whose points Enter selects.

import { decisionKeys } from "./decision_keys.js";

/** @import {MapAct} from "./map_states" */

/** @param {() => {classes: string[], typing: boolean}} now @param {MapAct} act
 * @returns {(event: KeyboardEvent) => void} */
export function mapKeys(now, act) {
  const by =
    (/** @type {number} */ dx, /** @type {number} */ dy) => (/** @type {KeyboardEvent} */ e) =>
      act.cursor(dx, dy, e.shiftKey);
  const answer = decisionKeys(
    act,
    () => now().classes,
    {
      ArrowRight: by(1, 0),
      ArrowLeft: by(-1, 0),
      ArrowDown: by(0, 1),
      ArrowUp: by(0, -1),
      Enter: (e) => act.take(e.shiftKey),
      s: () => act.take(true),
      Home: () => act.fit(),
      o: () => act.open(),
      z: () => act.look(),
      " ": () => act.look(),
      v: () => act.tool("move"),
      a: () => act.tool("lasso"),
      b: () => act.tool("box"),
      Escape: () => act.escape(),
    },
    { a: () => act.all(), Enter: () => act.take(true) },
  );
  return (event) => {
    if (!now().typing) answer(event);
  };
}
