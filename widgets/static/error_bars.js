// @ts-check
// Two runs side by side: an error as a bar with its 95 % interval, for each state of the labels.

import { h } from "./drawing.js";
import { interval, many } from "./figures.js";

/** @import {Comparison, Side} from "./states" */

/** One bar with its interval. @param {string} name @param {Side} side @param {number} scale */
function errorBar(name, side, scale) {
  if (side.error === null) return null;
  return h(
    "div",
    { class: "cu-error-row" },
    h("span", { class: "cu-error-name" }, name, h("small", {}, `run ${side.run}`)),
    h(
      "div",
      { class: "cu-error-track", title: "Bar: error; line: 95 % interval" },
      h("span", { class: "cu-error-bar", style: `width:${(side.error / scale) * 100}%` }),
      h("span", {
        class: "cu-error-range",
        style: `left:${(side.low / scale) * 100}%;width:${((side.high - side.low) / scale) * 100}%`,
      }),
    ),
    h("span", { class: "cu-error-value" }, interval(side)),
  );
}

const LABELS = /** @type {Record<string, string>} */ ({
  now: "With the labels as they are now",
  before: "With the labels that the first run knew",
});

/** Both runs by the labels as they are and, where validation images were changed, as they were.
 * @param {Comparison} compared what `curator.review.comparison.compare.compare` gives */
export function errorBars(compared) {
  const versions = compared.versions.filter((one) => one.before.error !== null);
  const scale = Math.max(
    0.02,
    ...versions.flatMap((one) => [one.before.high ?? 0, one.after.high ?? 0]),
  );
  return versions.map((one) =>
    h(
      "div",
      { class: "cu-version", key: one.labels },
      h(
        "p",
        { class: "cu-hint" },
        versions.length > 1
          ? `${LABELS[one.labels]}: error on ${many(one.images, "validation image")}.`
          : `Error on the same ${many(one.images, "validation image")}, with the labels as they are now.`,
      ),
      errorBar("before", one.before, scale),
      errorBar("after", one.after, scale),
      h("p", {}, one.sentence),
    ),
  );
}
