// The station Check: of many findings of one kind the first few stand open.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fewOfEach } from "../../widgets/static/check_few.js";

/** @import {Finding} from "../../widgets/static/states" */

/** @param {string} code @param {number} number @returns {Finding[]} */
const findings = (code, number) =>
  Array.from({ length: number }, (_, place) => ({
    ...{ code, label: `class ${place}`, problem: "", fix: "", rule: "", count: 1 },
    ...{ queue: "", images: [] },
  }));

test("two hundred small classes are five and the rest, and hide nothing else", () => {
  const few = fewOfEach([...findings("small_class", 200), ...findings("blurry", 1)]);
  assert.deepEqual(
    few.open.map((item) => item.code),
    [...Array(5).fill("small_class"), "blurry"],
  );
  assert.equal(few.folded.length, 195);
});

test("one alone is not folded", () => {
  const few = fewOfEach(findings("small_class", 6));
  assert.deepEqual([few.open.length, few.folded.length], [6, 0]);
});
