// The map without a browser: the box of the keys, what is hidden and selected.

import assert from "node:assert/strict";
import { test } from "node:test";
import { boxMoved, middleOf } from "../../widgets/static/map_cursor.js";
import { choosePictures, nothing, placeAt } from "../../widgets/static/map_held.js";
import { mark } from "../../widgets/static/map_marks.js";
import { taking } from "../../widgets/static/map_messages.js";
import { FAINT, HIDDEN, SELECTED } from "../../widgets/static/map_points.js";
import {
  apart,
  dotSize,
  fitted,
  inBox,
  indexed,
  inSight,
  inside,
  nearest,
  onMap,
  onScreen,
  packed,
  panned,
  within,
  zoomed,
} from "../../widgets/static/map_view.js";

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

const all = () => true;
// A lattice of 21 x 21 points, -1 to 1, row by row from the bottom.
const LATTICE = new Float32Array(
  Array.from({ length: 441 }, (_, at) => [(at % 21) / 10 - 1, Math.floor(at / 21) / 10 - 1]).flat(),
);

test("the whole map fits, screen and map are each other's inverse, zoom keeps its spot", () => {
  const camera = fitted(LATTICE, SCREEN);
  assert.deepEqual([camera.x, camera.y, camera.scale], [0, 0, 92]);
  assert.deepEqual(onScreen(camera, SCREEN, 1, 1), { x: 292, y: 8 });
  const spot = { x: 30, y: 170 };
  const there = onMap(camera, SCREEN, spot);
  assert.deepEqual(onScreen(camera, SCREEN, there.x, there.y), spot);
  const near = zoomed(camera, SCREEN, 3, spot, 92);
  assert.equal(near.scale, 276);
  const still = onScreen(near, SCREEN, there.x, there.y);
  assert.ok(Math.abs(still.x - spot.x) < 1e-9 && Math.abs(still.y - spot.y) < 1e-9);
  assert.equal(zoomed(camera, SCREEN, 1e-6, spot, 92).scale, 46);
  assert.equal(zoomed(camera, SCREEN, 1e9, spot, 92).scale, 60_000);
  assert.deepEqual(panned(camera, 92, -46), { x: -1, y: -0.5, scale: 92 });
  assert.equal(panned(camera, -1e6, 0).x, 1.5);
  const alone = fitted(new Float32Array([0.5, 0.5]), SCREEN);
  assert.ok(Number.isFinite(alone.scale) && alone.x === 0.5);
  assert.ok(Number.isFinite(fitted(new Float32Array(), SCREEN).scale));
});

test("points are found by rectangle, by a line around them, by box, and the nearest one", () => {
  const index = indexed(LATTICE);
  assert.equal(within(index, { x: -1, y: -1 }, { x: 1, y: 1 }, all)?.length, 441);
  assert.equal(within(index, { x: -1, y: -1 }, { x: 1, y: 1 }, all, 440), null);
  const even = (/** @type {number} */ place) => place % 2 === 0;
  assert.deepEqual(within(index, { x: -1.01, y: -1.01 }, { x: -0.75, y: -0.95 }, even), [0, 2]);
  const camera = { x: 0, y: 0, scale: 92 };
  const seen = inSight(index, { ...camera, scale: 920 }, SCREEN, all, 100);
  assert.equal(seen?.length, 15); // 5 beside each other, 3 above
  const triangle = [
    { x: -0.05, y: -0.05 },
    { x: 0.25, y: -0.05 },
    { x: -0.05, y: 0.25 },
  ];
  assert.deepEqual(inside(index, triangle, all), [220, 221, 241]);
  assert.deepEqual(inside(index, triangle.slice(1), all), []);
  const hole = [
    ...[
      { x: -0.35, y: -0.35 },
      { x: 0.35, y: -0.35 },
      { x: 0.35, y: 0.35 },
      { x: -0.35, y: 0.35 },
    ],
    ...[
      { x: -0.35, y: -0.35 },
      { x: -0.15, y: -0.15 },
      { x: -0.15, y: 0.15 },
      { x: 0.15, y: 0.15 },
    ],
    ...[
      { x: 0.15, y: -0.15 },
      { x: -0.15, y: -0.15 },
    ],
  ];
  assert.equal(inside(index, hole, all).includes(220), false); // crossed twice
  const box = { x: 195, y: 95, width: 20, height: 10 };
  assert.deepEqual(inBox(index, camera, SCREEN, box, all), [220, 221]);
  assert.equal(nearest(index, camera, SCREEN, { x: 203, y: 98 }, 12, all), 220);
  assert.equal(
    nearest(index, camera, SCREEN, { x: 203, y: 98 }, 12, (at) => at !== 220),
    221,
  );
  assert.equal(nearest(index, camera, SCREEN, { x: 2, y: 98 }, 12, all), -1);
});

test("pictures do not cover each other, dots shrink with their number, bits are packed", () => {
  const places = Array.from({ length: 441 }, (_, at) => at);
  const shown = apart(places, LATTICE, { x: 0, y: 0, scale: 92 }, SCREEN, 30);
  assert.ok(shown.length > 15 && shown.length < 60);
  for (const [at, one] of shown.entries())
    for (const other of shown.slice(at + 1))
      assert.ok(Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y)) >= 30);
  assert.ok(dotSize(100, 1) > dotSize(10_000, 1));
  assert.ok(dotSize(10_000, 8) > dotSize(10_000, 1) && dotSize(10, 1e9) === 14);
  const marks = new Uint8Array(20_000 * 8).fill(SELECTED);
  assert.equal(atob(packed(marks, SELECTED)).length, 20_000);
  assert.equal(
    packed(Uint8Array.of(0, SELECTED, 0, 0, 0, 0, 0, 0, SELECTED), SELECTED),
    btoa("\u0002\u0001"),
  );
});

test("what comes from the kernel is held, unless it is about a map that was left", () => {
  const m = nothing();
  /** @type {MapView} */
  const view = { tool: "move", hidden: new Set([3]), from: 0.5, numbers: new Uint32Array(256), colours: [], selected: 0, share: "", shown: 0 }; // biome-ignore format: one line
  const take = taking(m, view);
  const points = [new DataView(new Float32Array([0, 0, 0.5, 0.5]).buffer)];
  assert.equal(take({ type: "points", number: 1 }, points, 2, 0), null);
  assert.equal(m.xy.length, 0);
  assert.equal(take({ type: "points", number: 2 }, points, 2, 0), "points");
  assert.deepEqual([...m.xy], [0, 0, 0.5, 0.5]);
  const codes = [
    new DataView(Uint8Array.of(4, 5).buffer),
    new DataView(Uint8Array.of(0, 1).buffer),
  ];
  assert.equal(take({ type: "codes", number: 2, by: "class" }, codes, 2, 0), "codes");
  assert.deepEqual(
    [[...m.codes], [...m.bits], view.hidden.size, view.from],
    [[4, 5], [0, 1], 0, 0],
  );
  view.hidden.add(1);
  take({ type: "codes", number: 2, by: "class" }, codes, 2, 0);
  assert.equal(view.hidden.size, 1); // the same colours: what was hidden stays so
  assert.equal(take({ type: "share", serial: 6, sentence: "old" }, [], 2, 7), null);
  assert.equal(take({ type: "share", serial: 7, sentence: "new" }, [], 2, 7), "share");
  assert.equal(view.share, "new");
  m.screen = SCREEN;
  assert.equal(placeAt(m, onScreen(m.camera, SCREEN, 0.5, 0.5)), 1);
  choosePictures(m);
  assert.deepEqual(
    m.shown.map(({ place }) => place),
    [0],
  ); // the other is out of sight
});
