// @ts-check
// Mouse, pen and fingers on the map: move and zoom it, draw around points, point at one.

/** @import {Spot, Tool} from "./map_states" */

const FAR = 5; // pixels: less is a click
const STEP = 1.0015; // of the zoom, for a pixel of the wheel
const APART = 3; // pixels between two corners of a line that is drawn

/** What is told: `line` is what is drawn (two corners of a box), null when given up.
 * @typedef {{tool(): Tool, pan(dx: number, dy: number): void, zoom(factor: number, spot: Spot): void,
 * draw(kind: "lasso" | "box", line: Spot[] | null): void,
 * drawn(kind: "lasso" | "box", line: Spot[], more: boolean): void,
 * click(spot: Spot, more: boolean): void, open(spot: Spot): void, hover(spot: Spot | null): void}} Told */

/** Watch `el` until what is returned is called. @param {HTMLElement} el @param {Told} told */
export function pointing(el, told) {
  /** @type {Map<number, Spot>} */
  const down = new Map();
  /** @type {{kind: "move" | "lasso" | "box", line: Spot[], more: boolean, far: boolean} | null} */
  let doing = null;

  const spotOf = (/** @type {MouseEvent} */ e) => {
    const box = el.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };
  const spread = () => {
    const [a, b] = [...down.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, wide: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  const giveUp = () => {
    if (doing && doing.kind !== "move") told.draw(doing.kind, null);
    doing = null;
  };

  function pressed(/** @type {PointerEvent} */ e) {
    if (e.button > 1) return;
    el.setPointerCapture(e.pointerId);
    down.set(e.pointerId, spotOf(e));
    giveUp();
    if (down.size > 1) return;
    const tool = told.tool();
    const draws = e.shiftKey && tool === "move" ? "lasso" : tool;
    const kind = e.button === 1 ? "move" : draws;
    const more = e.ctrlKey || e.metaKey || (e.shiftKey && tool !== "move");
    doing = { kind, line: [spotOf(e)], more, far: false };
    told.hover(null);
  }

  function moved(/** @type {PointerEvent} */ e) {
    const before = down.get(e.pointerId);
    const spot = spotOf(e);
    if (!before) {
      if (e.pointerType === "mouse") told.hover(spot);
      return;
    }
    if (down.size === 2) {
      const was = spread();
      down.set(e.pointerId, spot);
      const is = spread();
      told.pan(is.x - was.x, is.y - was.y);
      if (was.wide > 0) told.zoom(is.wide / was.wide, is);
      return;
    }
    down.set(e.pointerId, spot);
    if (!doing) return;
    const [first] = doing.line;
    doing.far ||= Math.hypot(spot.x - first.x, spot.y - first.y) > FAR;
    if (!doing.far) return;
    if (doing.kind === "move") told.pan(spot.x - before.x, spot.y - before.y);
    else {
      const last = doing.line[doing.line.length - 1];
      if (doing.kind === "box") doing.line = [first, spot];
      else if (Math.hypot(spot.x - last.x, spot.y - last.y) >= APART) doing.line.push(spot);
      told.draw(doing.kind, doing.line);
    }
  }

  function released(/** @type {PointerEvent} */ e) {
    if (!down.delete(e.pointerId) || !doing) return;
    const done = doing;
    doing = null;
    if (!done.far) told.click(spotOf(e), done.more || e.pointerType === "touch");
    else if (done.kind !== "move") told.drawn(done.kind, done.line, done.more);
  }

  const lost = (/** @type {PointerEvent} */ e) => {
    down.delete(e.pointerId);
    giveUp();
  };
  const wheel = (/** @type {WheelEvent} */ e) => {
    e.preventDefault();
    const pixels = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 * e.deltaY : e.deltaY;
    // A pinch on a touchpad comes as a wheel with Ctrl, in small steps.
    told.zoom((e.ctrlKey ? STEP ** 6 : STEP) ** -pixels, spotOf(e));
  };
  const twice = (/** @type {MouseEvent} */ e) => told.open(spotOf(e));
  const left = () => told.hover(null);
  const listeners = /** @type {[string, EventListener][]} */ (
    Object.entries({
      pointerdown: pressed,
      pointermove: moved,
      pointerup: released,
      pointercancel: lost,
      pointerleave: left,
      dblclick: twice,
    })
  );
  for (const [name, listener] of listeners) el.addEventListener(name, listener);
  el.addEventListener("wheel", wheel, { passive: false });
  return () => {
    for (const [name, listener] of listeners) el.removeEventListener(name, listener);
    el.removeEventListener("wheel", wheel);
  };
}
