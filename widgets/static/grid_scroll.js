// @ts-check
// The arithmetic of a grid of which only the rows in sight are on the page.
//
// Browsers limit an element's height (Firefox to some 17 million pixels), so above TALLEST the
// scrollbar is coarser than the grid: a jump goes in proportion, a small step as far as it says, and
// when the hand rests the bar is put where it belongs.

/** @import {Layout, Position} from "./data_states" */

export const GAP = 2; // pixels between tiles, as in the stylesheet
export const TALLEST = 8_000_000; // pixels
const ROUNDING = 1; // pixel: browsers scroll by whole ones

/** Tiles of about `about` pixels that fill a width. @param {number} total @param {number} width
 * @param {number} about @returns {Layout} */
export function laidOut(total, width, about) {
  const columns = Math.max(1, Math.round((width + GAP) / (about + GAP)));
  const side = Math.max(1, (width + GAP) / columns - GAP);
  const pitch = side + GAP;
  const rows = Math.ceil(total / columns);
  const whole = rows * pitch;
  return { columns, side, pitch, rows, whole, height: Math.min(whole, TALLEST) };
}

/** @param {number} value @param {number} most */
const within = (value, most) => Math.max(0, Math.min(value, most));

/** How far the element and the grid can be scrolled. @param {Layout} layout @param {number} view */
function ends(layout, view) {
  return { far: Math.max(0, layout.height - view), deep: Math.max(0, layout.whole - view) };
}

/** Where the grid is after the element was scrolled. @param {Position} before
 * @param {number} scrolled @param {Layout} layout @param {number} view pixels in sight
 * @returns {Position} */
export function moved(before, scrolled, layout, view) {
  const { far, deep } = ends(layout, view);
  if (layout.whole === layout.height || far === 0) return { scrolled, at: Math.max(0, scrolled) };
  if (scrolled <= 0 || scrolled >= far) return { scrolled, at: scrolled <= 0 ? 0 : deep };
  const by = scrolled - before.scrolled;
  const near = Math.abs(by) <= view;
  return { scrolled, at: within(near ? before.at + by : (scrolled / far) * deep, deep) };
}

/** Where both stand with `at` at the top: bar and grid agree. @param {number} at
 * @param {Layout} layout @param {number} view @returns {Position} */
export function placed(at, layout, view) {
  const { far, deep } = ends(layout, view);
  const there = within(at, deep);
  return { at: there, scrolled: deep > 0 ? (there / deep) * far : 0 };
}

/** The nearest position that has a place in sight. @param {number} place @param {Position} now
 * @param {Layout} layout @param {number} view */
export function revealing(place, now, layout, view) {
  const top = Math.floor(place / layout.columns) * layout.pitch;
  const low = top + layout.pitch - view;
  if (top < now.at - ROUNDING) return placed(top, layout, view);
  return low > now.at + ROUNDING ? placed(low, layout, view) : now;
}

/** The rows to draw, half open: those in sight, and as much again above and below as `beyond`
 * of the view. @param {Position} position @param {Layout} layout @param {number} view @param {number} beyond */
export function rowsIn(position, layout, view, beyond) {
  const row = (/** @type {number} */ pixels) =>
    within(Math.floor(pixels / layout.pitch), layout.rows);
  const spare = beyond * view;
  return {
    first: row(position.at - spare),
    top: row(position.at),
    bottom: within(Math.ceil((position.at + view) / layout.pitch), layout.rows),
    end: within(Math.ceil((position.at + view + spare) / layout.pitch), layout.rows),
  };
}

/** Where a row is drawn in the element. @param {number} row @param {Position} position @param {Layout} layout */
export function topOf(row, position, layout) {
  return row * layout.pitch - position.at + Math.max(0, position.scrolled);
}
