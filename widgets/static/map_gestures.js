// @ts-check
// What mouse, pen and fingers do on the map: look elsewhere, draw around points, point at one.

import { counting, placeAt } from "./map_held.js";
import { pointing } from "./map_pointer.js";
import { SELECTED } from "./map_points.js";
import { inside, onMap, panned, zoomed } from "./map_view.js";

/** @import {Camera, Held, Spot, Tool} from "./map_states" */

/** What the page does about it.
 * @typedef {{tool(): Tool, look(camera: Camera): void, hover(spot: Spot | null): void,
 * select(places: number[], more: boolean): void, selected(): void, enlarge(place: number): void,
 * quiet(): void, soon(): void}} Doing */

/** Watch `stage` until what is returned is called. @param {HTMLElement} stage @param {Held} m @param {Doing} page */
export function gesturesOn(stage, m, page) {
  return pointing(stage, {
    tool: page.tool,
    pan: (dx, dy) => page.look(panned(m.camera, dx, dy)),
    zoom: (factor, spot) => {
      page.hover(null);
      page.look(zoomed(m.camera, m.screen, factor, spot, m.whole));
    },
    draw: (kind, drawn) => {
      m.line = drawn;
      m.closed = kind === "lasso";
      m.box = null;
      page.soon();
    },
    drawn: (kind, drawn, more) => {
      m.line = null;
      const [a, b] = [drawn[0], drawn[drawn.length - 1]];
      const corners = kind === "lasso" ? drawn : [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
      page.quiet();
      const around = corners.map((spot) => onMap(m.camera, m.screen, spot));
      page.select(inside(m.index, around, counting(m)), more);
    },
    click: (spot, more) => {
      m.box = null;
      const at = placeAt(m, spot);
      page.hover(spot);
      if (at >= 0 && more && m.marks[at] & SELECTED) {
        m.marks[at] &= ~SELECTED;
        page.selected();
      } else if (at >= 0 || !more) page.select(at >= 0 ? [at] : [], more);
    },
    open: (spot) => {
      const at = placeAt(m, spot);
      if (at >= 0) page.enlarge(at);
    },
    hover: page.hover,
  });
}
