// @ts-check
// Numbers as people read them.

/** @import {ErrorRate} from "./states" */

/** A share 0..1 as a percentage. @param {number | null | undefined} value @param {number} [digits] */
export function percent(value, digits = 1) {
  return value === null || value === undefined ? "–" : `${(value * 100).toFixed(digits)} %`;
}

/** An error with its 95 % interval. @param {ErrorRate | null | undefined} row */
export function interval(row) {
  if (!row || row.error === null || row.error === undefined) return "–";
  return `${percent(row.error)} (${(row.low * 100).toFixed(1)}–${(row.high * 100).toFixed(1)})`;
}

/** A number with spaces between thousands. @param {number | null | undefined} value */
export function count(value) {
  return value === null || value === undefined
    ? "–"
    : value.toLocaleString("en").replaceAll(",", " ");
}

/** Number and noun. @param {number} number @param {string} noun @param {string} [plural] */
export function many(number, noun, plural) {
  return `${count(number)} ${number === 1 ? noun : (plural ?? `${noun}s`)}`;
}
