// Near-duplicates side by side: what keys ask for, and where the eye goes next.

import assert from "node:assert/strict";
import { test } from "node:test";
import { asked, isDone, nextOpen } from "../../widgets/static/duplicates.js";

/** @param {number[]} ids @param {number[]} [deleted] */
function group(ids, deleted = []) {
  const images = ids.map((id) => ({
    id,
    label: "bear",
    state: deleted.includes(id) ? "deleted" : "new",
    decision_id: null,
    split: "train",
    width: 100,
    height: 80,
    bytes: 4000,
    format: "JPEG",
    source: "http://127.0.0.1/a.jpg",
  }));
  return { id: ids[0], images, labels_differ: false, dismissed: false };
}

test("arrows keep left or right of a pair, numbers any, A all", () => {
  const pair = group([4, 7]);
  assert.deepEqual(asked("ArrowLeft", pair), { keep: [4] });
  assert.deepEqual(asked("ArrowRight", pair), { keep: [7] });
  assert.deepEqual(asked("2", pair), { keep: [7] });
  assert.deepEqual(asked("A", pair), { keep: [4, 7] });
  assert.equal(asked("3", pair), null);
  assert.equal(asked("Enter", pair), null);
});

test("of three there is no left and right, and what is decided is not decided again", () => {
  const three = group([1, 2, 3]);
  assert.equal(asked("ArrowLeft", three), null);
  assert.deepEqual(asked("3", three), { keep: [3] });
  assert.equal(asked("1", group([1, 2], [2])), null);
  assert.equal(asked("a", { ...group([1, 2]), dismissed: true }), null);
  assert.deepEqual(asked("u", undefined), { do: "undo" });
  assert.deepEqual(asked("b", group([1, 2], [2])), { do: "best" });
  assert.deepEqual(asked("ArrowDown", three), { step: 1 });
});

test("keys of a field are the field's", () => {
  assert.equal(asked("a", group([1, 2]), ["INPUT"]), null);
  assert.notEqual(asked("a", group([1, 2]), ["BUTTON"]), null);
});

test("after a decision comes the next group that waits for one", () => {
  const groups = [group([1, 2], [2]), group([3, 4]), group([5, 6], [5]), group([7, 8])];
  assert.equal(isDone(groups[0]), true);
  assert.equal(nextOpen(groups, -1), 1);
  assert.equal(nextOpen(groups, 1), 3);
  assert.equal(nextOpen(groups, 3), 3);
  assert.equal(nextOpen([], 0), 0);
});
