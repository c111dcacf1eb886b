// @ts-check
// What is selected in the grid: ranges of places, so that all of a million is as small as one.

/** @import {Ranges} from "./data_states" */

/** Put a range to the others. @param {Ranges} ranges @param {number} from @param {number} until */
export function added(ranges, from, until) {
  if (from >= until) return ranges;
  const apart = ranges.filter(([a, b]) => b < from || a > until);
  const touched = ranges.filter(([a, b]) => b >= from && a <= until);
  const whole = /** @type {[number, number]} */ ([
    Math.min(from, ...touched.map(([a]) => a)),
    Math.max(until, ...touched.map(([, b]) => b)),
  ]);
  return /** @type {Ranges} */ ([...apart, whole].sort(([a], [b]) => a - b));
}

/** Take one place out. @param {Ranges} ranges @param {number} place @returns {Ranges} */
function without(ranges, place) {
  return ranges.flatMap(([a, b]) =>
    place < a || place >= b
      ? [/** @type {[number, number]} */ ([a, b])]
      : /** @type {Ranges} */ ([
          [a, place],
          [place + 1, b],
        ]).filter(([from, until]) => from < until),
  );
}

/** @param {Ranges} ranges @param {number} place */
export function holds(ranges, place) {
  return ranges.some(([a, b]) => a <= place && place < b);
}

/** Select a place, or not any more. @param {Ranges} ranges @param {number} place */
export function toggled(ranges, place) {
  return holds(ranges, place) ? without(ranges, place) : added(ranges, place, place + 1);
}

/** How many places. @param {Ranges} ranges */
export function sizeOf(ranges) {
  return ranges.reduce((sum, [a, b]) => sum + b - a, 0);
}
