// @ts-check
// A row of the grid, as the gallery draws tiles.

import { h } from "./drawing.js";
import { tileOf } from "./gallery_tile.js";
import { holds } from "./grid_ranges.js";
import { topOf } from "./grid_scroll.js";

/** @import {Cell, GridState, Layout, Position, Ranges} from "./data_states" */
/** @import {Act, Tile} from "./review_states" */

/** A cell as the gallery draws tiles. @param {Cell} cell @returns {Tile} */
function tileFrom(cell) {
  return { ...cell, flags: [], note: "", loss: null, band: null };
}

/** @param {number} row @param {GridState} s
 * @param {{cells: Map<number, Cell>, focus: number, ranges: Ranges, layout: Layout,
 * position: Position, pictures: Map<number, string>, drawn: Map<number, string>}} shown `cells` by
 * place @param {Pick<Act, "clicked" | "look" | "focused">} act */
export function gridRow(row, s, shown, act) {
  const { cells, ranges, layout, position, ...ui } = shown;
  const places = [];
  const last = Math.min(s.total, (row + 1) * layout.columns);
  for (let place = row * layout.columns; place < last; place += 1) places.push(place);
  return h(
    "div",
    {
      class: "cu-grid-row",
      key: row,
      role: "presentation",
      style: `grid-template-columns:repeat(${layout.columns},minmax(0,1fr));transform:translateY(${topOf(row, position, layout).toFixed(2)}px)`,
    },
    places.map((place) => {
      const cell = cells.get(place);
      if (!cell)
        return h(
          "div",
          { class: "cu-tile", key: `empty ${place}` },
          h("div", { class: "cu-picture" }),
        );
      const selected = { size: ranges.length, has: () => holds(ranges, place) };
      return tileOf(
        tileFrom(cell),
        place,
        { offset: 0, total: s.total, classes: s.classes },
        { ...ui, selected, decoding: "async" },
        act,
      );
    }),
  );
}
