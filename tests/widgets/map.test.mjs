// The map without a browser: the box of the keys, what is hidden and selected.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boxMoved, middleOf } from "../../widgets/static/map_cursor.js";
import { mark } from "../../widgets/static/map_marks.js";
import { FAINT, HIDDEN, SELECTED } from "../../widgets/static/map_points.js";
import { packed } from "../../widgets/static/map_view.js";

/** @import {MapView} from "../../widgets/static/map_states" */

const SCREEN = { width: 400, height: 200 };

test("the box of the keys begins in the middle, grows about it, and moves the map at an edge", () => {
  const first = boxMoved(null, SCREEN, 1, 0, false);
  assert.deepEqual(first.box, { x: 175, y: 75, width: 50, height: 50 });
  const grown = boxMoved(first.box, SCREEN, 1, 0, true);
  assert.deepEqual(middleOf(grown.box, SCREEN), { x: 200, y: 100 });
  assert.ok(grown.box.width > 66 && grown.box.height === 50);
  let { box, beyond } = first;
  for (let step = 0; step < 4; step += 1) ({ box, beyond } = boxMoved(box, SCREEN, 0, -1, false));
  assert.equal(box.y, 0);
  assert.deepEqual(beyond, { x: 0, y: 25 });
  const smallest = boxMoved({ x: 0, y: 0, width: 24, height: 24 }, SCREEN, -1, -1, true);
  assert.deepEqual([smallest.box.width, smallest.box.height], [24, 24]);
});

test("what is hidden, of another class or gone is not selected, and counts are of what is there", () => {
  /** @type {MapView} */
  const view = {
    tool: "move",
    hidden: new Set([1]),
    from: 0,
    numbers: new Uint32Array(256),
    colours: [],
    selected: 0,
    share: "",
    shown: 0,
  };
  const codes = Uint8Array.of(0, 1, 0, 0);
  const bits = Uint8Array.of(0, 0, 1, 2); // there, there, gone, of another class
  const marks = new Uint8Array(4).fill(SELECTED);
  mark({ codes, bits, marks }, view, false);
  assert.deepEqual([...marks], [SELECTED, HIDDEN, FAINT, HIDDEN]);
  assert.deepEqual([view.numbers[0], view.numbers[1], view.shown, view.selected], [1, 1, 1, 1]);
  assert.equal(packed(marks, SELECTED), btoa("\u0001"));
});
