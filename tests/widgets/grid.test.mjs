// The grid of everything: which rows are in sight of how many, and what is selected as ranges.

import assert from "node:assert/strict";
import { test } from "node:test";
import { added, holds, sizeOf, toggled } from "../../widgets/static/grid_ranges.js";
import {
  GAP,
  laidOut,
  moved,
  placed,
  revealing,
  rowsIn,
  TALLEST,
  topOf,
} from "../../widgets/static/grid_scroll.js";

/** @import {Ranges} from "../../widgets/static/data_states" */

const VIEW = 800;
const TOP = { scrolled: 0, at: 0 };

test("tiles fill the width, edge to edge, near the size that was asked for", () => {
  for (const width of [390, 1280, 1920, 3840])
    for (const about of [48, 128, 320]) {
      const { columns, side, pitch } = laidOut(1000, width, about);
      assert.ok(Math.abs(columns * side + (columns - 1) * GAP - width) < 1e-6);
      assert.ok(columns === 1 || Math.abs(side - about) < about / 2, `${width} ${about} ${side}`);
      assert.equal(pitch, side + GAP);
    }
  assert.equal(laidOut(0, 1280, 128).rows, 0);
  assert.equal(laidOut(1, 20, 320).columns, 1);
  assert.equal(laidOut(11, 1298, 128).rows, 2);
});

test("few rows are on the page, whatever there is of them", () => {
  for (const total of [1, 1000, 1_000_000]) {
    const layout = laidOut(total, 1280, 128);
    for (const at of [0, layout.whole / 2, layout.whole]) {
      const rows = rowsIn(placed(at, layout, VIEW), layout, VIEW, 0.5);
      assert.ok(rows.first <= rows.top && rows.top <= rows.bottom && rows.bottom <= rows.end);
      assert.ok(rows.end <= layout.rows);
      assert.ok(rows.end - rows.first <= (2 * VIEW) / layout.pitch + 2);
      assert.ok(rows.end > rows.first);
    }
  }
});

test("a small grid is scrolled as its element is", () => {
  const layout = laidOut(1000, 1280, 128);
  assert.equal(layout.height, layout.whole);
  const there = moved(TOP, 1234, layout, VIEW);
  assert.deepEqual(there, { scrolled: 1234, at: 1234 });
  assert.ok(Math.abs(topOf(3, there, layout) - 3 * layout.pitch) < 1e-6);
  assert.deepEqual(moved(there, -20, layout, VIEW), { scrolled: -20, at: 0 });
});

test("in a grid taller than browsers allow, every row can be reached", () => {
  const layout = laidOut(1_000_000, 1280, 320);
  assert.ok(layout.whole > (10 * TALLEST) / 2);
  assert.equal(layout.height, TALLEST);
  const far = layout.height - VIEW;
  const deep = layout.whole - VIEW;
  // A step is a step, and a jump goes in proportion.
  let now = moved(TOP, 100, layout, VIEW);
  assert.equal(now.at, 100);
  now = moved(now, far / 2, layout, VIEW);
  assert.ok(Math.abs(now.at - deep / 2) < 1);
  const before = now;
  now = moved(now, now.scrolled + 120, layout, VIEW);
  assert.equal(now.at, before.at + 120);
  // Both ends are reached, and the last row is in sight at the end.
  assert.equal(moved(now, far, layout, VIEW).at, deep);
  assert.equal(moved(now, 0, layout, VIEW).at, 0);
  const end = placed(layout.whole, layout, VIEW);
  assert.equal(rowsIn(end, layout, VIEW, 0.5).bottom, layout.rows);
  assert.ok(Math.abs(topOf(layout.rows, end, layout) - layout.height) < 1);
  // At rest the bar is where it belongs, and nothing that is seen moves.
  const rest = placed(now.at, layout, VIEW);
  assert.equal(rest.at, now.at);
  assert.ok(Math.abs(rest.scrolled / far - rest.at / deep) < 1e-9);
});

test("what is in sight is not moved, and what is not comes into sight", () => {
  const layout = laidOut(100_000, 1280, 128);
  assert.equal(revealing(5, TOP, layout, VIEW), TOP);
  // At the end, too, where the browser rounds how far it is scrolled.
  const end = { scrolled: Math.floor(layout.whole - VIEW), at: Math.floor(layout.whole - VIEW) };
  assert.equal(revealing(99_999, end, layout, VIEW), end);
  for (const place of [0, 500, 77_777, 99_999]) {
    const there = revealing(place, placed(layout.whole / 3, layout, VIEW), layout, VIEW);
    const top = Math.floor(place / layout.columns) * layout.pitch;
    assert.ok(there.at <= top && top + layout.pitch <= there.at + VIEW + 1e-6);
  }
});

test("ranges are in order, apart, and say how many they hold", () => {
  /** @type {Ranges} */
  let ranges = added([], 10, 20);
  ranges = added(ranges, 30, 40);
  assert.deepEqual(ranges, [
    [10, 20],
    [30, 40],
  ]);
  assert.equal(sizeOf(ranges), 20);
  assert.deepEqual(added(ranges, 20, 30), [[10, 40]]);
  assert.deepEqual(added(ranges, 0, 1_000_000), [[0, 1_000_000]]);
  assert.deepEqual(added(ranges, 5, 5), ranges);
  assert.deepEqual(toggled(ranges, 15), [
    [10, 15],
    [16, 20],
    [30, 40],
  ]);
  assert.deepEqual(toggled(ranges, 10), [
    [11, 20],
    [30, 40],
  ]);
  assert.deepEqual(toggled(ranges, 25), [
    [10, 20],
    [25, 26],
    [30, 40],
  ]);
  assert.deepEqual(toggled([[7, 8]], 7), []);
  assert.ok(holds(ranges, 10) && holds(ranges, 39) && !holds(ranges, 20) && !holds(ranges, 9));
});

test("ranges hold what a set would, whatever is put in and taken out", () => {
  /** @type {Ranges} */
  let ranges = [];
  const set = new Set();
  for (let step = 0; step < 500; step += 1) {
    const from = (step * 7919) % 97;
    if (step % 3) {
      if (!set.delete(from)) set.add(from);
      ranges = toggled(ranges, from);
    } else {
      ranges = added(ranges, from, from + (step % 5));
      for (let place = from; place < from + (step % 5); place += 1) set.add(place);
    }
    const held = ranges.flatMap(([a, b]) => Array.from({ length: b - a }, (_, i) => a + i));
    assert.deepEqual(
      held,
      [...set].sort((a, b) => a - b),
    );
  }
});
