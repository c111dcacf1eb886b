// @ts-check
// Of many findings of one kind, such as a class each, the first few stand open.

/** @import {Finding} from "./states" */

/** At most so many findings of one code, and the others. @param {Finding[]} items */
export function fewOfEach(items, most = 5) {
  /** @type {Finding[]} */
  const open = [];
  /** @type {Finding[]} */
  const folded = [];
  /** @type {Record<string, number>} */
  const seen = {};
  for (const item of items) {
    seen[item.code] = (seen[item.code] ?? 0) + 1;
    (seen[item.code] <= most ? open : folded).push(item);
  }
  return folded.length === 1 ? { open: items, folded: [] } : { open, folded };
}
