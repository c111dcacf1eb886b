// @ts-check
// The grid's keys, which are Review's. While a field has the focus they are the field's.

/** @typedef {{focus: number, total: number, columns: number, page: number, classes: string[], typing: boolean}} Now
 * `page`: places in sight; `typing`: a class is being typed */
/** @typedef {{move(to: number, extend: boolean): void, decide(action: string, label?: string): void,
 * relabel(): void, undo(): void, redo(): void, toggle(place: number): void, all(): void, none(): void,
 * look(place: number): void, larger(by: number): void}} GridAct */

const STEPS = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "PageDown", "PageUp"];

/** @param {() => Now} now @param {GridAct} act @returns {(event: KeyboardEvent) => void} */
export function gridKeys(now, act) {
  /** @type {Record<string, (n: Now, e: KeyboardEvent) => void>} */
  const KEYS = {
    ArrowRight: (n, e) => act.move(n.focus + 1, e.shiftKey),
    ArrowLeft: (n, e) => act.move(n.focus - 1, e.shiftKey),
    ArrowDown: (n, e) => act.move(n.focus + n.columns, e.shiftKey),
    ArrowUp: (n, e) => act.move(n.focus - n.columns, e.shiftKey),
    PageDown: (n, e) => act.move(n.focus + n.page, e.shiftKey),
    PageUp: (n, e) => act.move(n.focus - n.page, e.shiftKey),
    Home: (_, e) => act.move(0, e.shiftKey),
    End: (n, e) => act.move(n.total - 1, e.shiftKey),
    " ": (n) => act.look(n.focus),
    z: (n) => act.look(n.focus),
    s: (n) => act.toggle(n.focus),
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
    Escape: () => act.none(),
  };

  return (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const n = now();
    if (event.altKey || n.typing || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName))
      return;
    if (target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
    if (event.repeat && !STEPS.includes(event.key)) return; // a key that is held decides once
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (name === "z") (event.shiftKey ? act.redo : act.undo)();
      else if (name === "y") act.redo();
      else if (name === " ") act.toggle(n.focus);
      else if (name === "a") act.all();
      else return;
    } else if (/^[1-9]$/.test(name)) {
      const label = n.classes[Number(name) - 1];
      if (!label) return;
      act.decide("relabel", label);
    } else if (KEYS[name]) KEYS[name](n, event);
    else return;
    event.preventDefault();
  };
}
