// @ts-check
// Which points of the map are hidden, faint or selected, and how many there are of each colour.

import { STEPS, UNKNOWN } from "./map_colours.js";
import { FAINT, HIDDEN, SELECTED } from "./map_points.js";

/** @import {MapView} from "./map_states" */

const GONE = 1; // bits that the kernel sets: left out since; not of the class that is shown
const OUTSIDE = 2;

/** Bring `marks` and the numbers of `view` up to date with what is filtered.
 * @param {{codes: Uint8Array, bits: Uint8Array, marks: Uint8Array}} points one byte of each a point
 * @param {MapView} view @param {boolean} scale whether codes are steps of a scale, not names */
export function mark({ codes, bits, marks }, view, scale) {
  const least = Math.round(view.from * STEPS);
  view.numbers.fill(0);
  view.selected = view.shown = 0;
  for (let place = 0; place < marks.length; place += 1) {
    const code = codes[place];
    const bit = bits[place];
    if (!(bit & (GONE | OUTSIDE))) view.numbers[code] += 1;
    const filtered = view.hidden.has(code) || (scale && code !== UNKNOWN && code < least);
    const out = bit & OUTSIDE || (filtered && !(bit & GONE));
    let made = (out ? HIDDEN : 0) | (bit & GONE ? FAINT : 0);
    if (!made) {
      view.shown += 1;
      made = marks[place] & SELECTED; // what is hidden is not selected any more
      if (made) view.selected += 1;
    }
    marks[place] = made;
  }
}
