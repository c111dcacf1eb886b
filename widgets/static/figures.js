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

/** A text with its numbers so written. @param {string} text */
export const counted = (text) => text.replace(/\d{4,}/g, (digits) => count(Number(digits)));

/** A size for people, in powers of a thousand. @param {number} size bytes */
export function bytes(size) {
  if (size < 1e6) return `${count(Math.max(1, Math.round(size / 1e3)))} kB`;
  const [number, unit] = size < 1e9 ? [size / 1e6, "MB"] : [size / 1e9, "GB"];
  return `${number.toFixed(number < 10 ? 1 : 0)} ${unit}`;
}

/** Number and noun. @param {number} number @param {string} noun @param {string} [plural] */
export function many(number, noun, plural) {
  return `${count(number)} ${number === 1 ? noun : (plural ?? `${noun}s`)}`;
}
