// @ts-check
// Which rows and columns the confusion matrix shows, their sums, and a cell in words.

import { count, many, percent } from "./figures.js";

/** @import {ConfusionState} from "./review_states" */

/**
 * @typedef {{name: string, place: number}} Group one row and column; REST: the classes not shown
 * @typedef {{open: boolean, show: string, shares: boolean, order: string, all: boolean, pairs: boolean, at: [number, number], said: string}} Own
 */

export const NAMED = 12;
export const GROUPED = 25;
export const ALL = 100; // more are never shown all: a browser takes minutes for a million cells
export const REST = -1;

/** The rows and columns to show, in their order. @param {ConfusionState} state @param {Own} own @returns {Group[]} */
export function groups(state, own) {
  const order =
    (own.order || (state.labels.length > NAMED ? "confusion" : "project")) === "confusion"
      ? state.order
      : state.labels.map((_, place) => place);
  const group = (/** @type {number} */ place) => ({ name: state.labels[place], place });
  if ((own.all && state.labels.length <= ALL) || state.labels.length <= GROUPED)
    return order.map(group);
  const mistakes = new Array(state.labels.length).fill(0);
  for (const [r, c, number] of state.cells)
    if (r !== c) {
      mistakes[r] += number;
      mistakes[c] += number;
    }
  const worst = new Set(
    mistakes
      .map((number, place) => [number, place])
      .filter(([number]) => number > 0)
      .sort((a, b) => b[0] - a[0])
      .slice(0, GROUPED)
      .map(([, place]) => place),
  );
  const rest = state.labels.length - worst.size;
  const calm = mistakes.every((number, place) => number === 0 || worst.has(place));
  const shown = order.filter((place) => worst.has(place)).map(group);
  return rest
    ? [
        ...shown,
        {
          name: calm
            ? `${many(rest, "class", "classes")} without confusion`
            : many(rest, "other class", "other classes"),
          place: REST,
        },
      ]
    : shown;
}

/** Sum cells into rows and columns. @param {number[][]} cells @param {Group[]} shown @returns {number[][]} */
export function table(cells, shown) {
  const at = new Map(shown.map((group, place) => [group.place, place]));
  const sums = shown.map(() => new Array(shown.length).fill(0));
  for (const [r, c, number] of cells) {
    const [row, column] = [at.get(r) ?? at.get(REST), at.get(c) ?? at.get(REST)];
    if (row !== undefined && column !== undefined) sums[row][column] += number;
  }
  return sums;
}

/** A share of a row, short. @param {number} number @param {number} total */
export function share(number, total) {
  const value = (100 * number) / (total || 1);
  return value > 0 && value < 1 ? "<1" : String(Math.round(value));
}

/** A cell in words. @param {ConfusionState} state @param {Own} own @param {Group} label @param {Group} predicted
 * @param {number} number @param {number} total of the row */
export function words(state, own, label, predicted, number, total) {
  const what =
    label.place === REST && predicted.place === REST
      ? `${label.name}, among themselves`
      : label === predicted
        ? `${label.name} recognised`
        : `${label.name} taken for ${predicted.name}`;
  if (own.show !== "change")
    return `${what}: ${count(number)} of ${count(total)} (${percent(number / (total || 1))})`;
  if (!number) return `${what}: as often as by run ${state.since}`;
  const better = number > 0 === (label === predicted);
  return `${what}: ${count(Math.abs(number))} ${number > 0 ? "more" : "fewer"} than by run ${state.since}, ${better ? "better" : "worse"}`;
}
