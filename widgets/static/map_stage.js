// @ts-check
// What the map is drawn on: two canvases, and the card of the image that is pointed at.

import { h } from "./drawing.js";
import { card } from "./map_bars.js";
import { spotOf } from "./map_held.js";

/** @import {Held} from "./map_states" */

/** @param {Held} m */
export function stageOf(m) {
  const points = h("canvas", { class: "cu-map-points", "aria-hidden": "true" });
  const over = h("canvas", { class: "cu-map-over", "aria-hidden": "true" });
  const shown = h("div", { class: "cu-map-card", hidden: true });
  const stage = h(
    "div",
    {
      class: "cu-map-stage",
      tabindex: 0,
      role: "application",
      "aria-label": "Map of the images",
      "aria-description":
        "Arrows move a box, with Shift they change its size; Enter selects the images in it; plus and minus zoom.",
    },
    points,
    over,
    shown,
  );

  /** Give the canvases the screen's size; whether it was another. @param {number} ratio */
  function sized(ratio) {
    const width = Math.round(m.screen.width * ratio);
    const height = Math.round(m.screen.height * ratio);
    const another = points.width !== width || points.height !== height;
    if (another) for (const canvas of [points, over]) Object.assign(canvas, { width, height });
    return another;
  }

  /** Show the card of the image that is pointed at, or none. @param {string | undefined} picture
   * @param {string[]} classes */
  function showCard(picture, classes) {
    shown.hidden = m.hovered < 0;
    if (m.hovered < 0) return;
    const spot = spotOf(m, m.hovered);
    shown.replaceChildren(h("div", {}, card(m.cells.get(m.hovered) ?? null, picture, classes)));
    const [wide, tall] = [shown.offsetWidth, shown.offsetHeight];
    const right = spot.x + 20 + wide < m.screen.width;
    const top = Math.min(m.screen.height - tall - 4, spot.y - tall / 2);
    shown.style.left = `${Math.max(4, right ? spot.x + 18 : spot.x - wide - 18)}px`;
    shown.style.top = `${Math.max(4, top)}px`;
  }

  return { stage, points, over, sized, showCard };
}
