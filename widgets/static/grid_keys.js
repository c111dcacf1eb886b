// @ts-check
// The grid's keys, which are Review's.

import { decisionKeys } from "./decision_keys.js";

/** @typedef {{focus: number, total: number, columns: number, page: number, classes: string[], typing: boolean}} Now
 * `page`: places in sight; `typing`: a class is being typed */
/** @typedef {{move(to: number, extend: boolean): void, decide(action: string, label?: string): void,
 * relabel(): void, like(): void, seek(): void, undo(): void, redo(): void, toggle(place: number): void, all(): void, none(): void,
 * look(place: number): void, queue(): void, export(): void, larger(by: number): void}} GridAct */

/** @param {() => Now} now @param {GridAct} act @returns {(event: KeyboardEvent) => void} */
export function gridKeys(now, act) {
  const by = (/** @type {(n: Now) => number} */ step) => (/** @type {KeyboardEvent} */ e) =>
    act.move(now().focus + step(now()), e.shiftKey);
  const look = () => act.look(now().focus);
  const answer = decisionKeys(
    act,
    () => now().classes,
    {
      ArrowRight: by(() => 1),
      ArrowLeft: by(() => -1),
      ArrowDown: by((n) => n.columns),
      ArrowUp: by((n) => -n.columns),
      PageDown: by((n) => n.page),
      PageUp: by((n) => -n.page),
      Home: (e) => act.move(0, e.shiftKey),
      End: (e) => act.move(now().total - 1, e.shiftKey),
      " ": look,
      z: look,
      s: () => act.toggle(now().focus),
      o: () => act.queue(),
      Escape: () => act.none(),
    },
    { " ": () => act.toggle(now().focus), a: () => act.all() },
  );
  return (event) => {
    if (!now().typing) answer(event);
  };
}
