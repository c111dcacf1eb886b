// @ts-check
// How far a decision on many images is; nothing else can be decided meanwhile.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";

/** @param {{deciding: {done: number, total: number} | null}} s `total` 0: nobody knows */
export function decidingBar({ deciding }) {
  if (!deciding) return null;
  if (!deciding.total)
    return h("p", { class: "cu-hint", key: "deciding" }, "Working on many images…");
  const share = Math.round((100 * deciding.done) / deciding.total);
  return h(
    "div",
    { class: "cu-deciding", key: "deciding" },
    h("span", {}, `Deciding: ${count(deciding.done)} of ${many(deciding.total, "image")}`),
    h(
      "div",
      {
        class: "cu-bar",
        role: "progressbar",
        "aria-label": "Deciding",
        "aria-valuenow": share,
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      h("span", { style: `width:${share}%` }),
    ),
  );
}
