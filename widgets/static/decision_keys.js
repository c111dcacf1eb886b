// @ts-check
// Keys wherever images are decided on: the same in the gallery and in the grid, and which are whose.

/** @typedef {{decide(action: string, label?: string): void, relabel(): void, like(): void, seek(): void,
 * undo(): void, redo(): void, larger(by: number): void}} Deciding */
/** @typedef {Record<string, (event: KeyboardEvent) => void>} Keys */

export const FIELDS = ["INPUT", "SELECT", "TEXTAREA"];
const STEPS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp"];

/**
 * What answers a key. While a field has the focus its keys are the field's, and Enter and space a
 * button's; a key that is held decides once, but moves on and on.
 * @param {Deciding} act @param {() => string[]} classes whose numbers are keys
 * @param {Keys} own keys beside those that decide @param {Keys} withControl with Ctrl or Cmd, as well
 * @returns {(event: KeyboardEvent) => void}
 */
export function decisionKeys(act, classes, own, withControl) {
  /** @type {Keys} */
  const keys = {
    Delete: () => act.decide("delete"),
    d: () => act.decide("delete"),
    k: () => act.decide("keep"),
    x: () => act.decide("unsure"),
    n: () => act.decide("none"),
    m: () => act.decide("several"),
    r: () => act.relabel(),
    l: () => act.like(),
    c: () => act.seek(),
    u: () => act.undo(),
    y: () => act.redo(),
    "+": () => act.larger(1),
    "=": () => act.larger(1),
    "-": () => act.larger(-1),
    ...own,
  };
  /** @type {Keys} */
  const controlled = {
    z: (event) => (event.shiftKey ? act.redo : act.undo)(),
    y: () => act.redo(),
    ...withControl,
  };

  return (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || FIELDS.includes(target.tagName)) return;
    if (target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
    if (event.repeat && !STEPS.includes(event.key)) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    let answer = keys[name];
    if (event.ctrlKey || event.metaKey) answer = controlled[name];
    else if (/^[1-9]$/.test(name)) {
      const label = classes()[Number(name) - 1];
      if (!label) return;
      answer = () => act.decide("relabel", label);
    }
    if (!answer) return;
    event.preventDefault();
    answer(event);
  };
}
