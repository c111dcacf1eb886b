// Figures as people read them, and the small shapes that all panels share.

import assert from "node:assert/strict";
import { test } from "node:test";
import { count, counted, interval, many, percent } from "../../widgets/static/figures.js";
import { badge, icon, problem } from "../../widgets/static/marks.js";

test("a share is a percentage; what is not known is a dash", () => {
  assert.equal(percent(0.12345), "12.3 %");
  assert.equal(percent(0.12345, 0), "12 %");
  assert.deepEqual([percent(0), percent(null), percent(undefined)], ["0.0 %", "–", "–"]);
});

test("an error comes with its interval", () => {
  assert.equal(interval({ error: 0.05, low: 0.034, high: 0.07 }), "5.0 % (3.4–7.0)");
  assert.deepEqual([interval(null), interval({ error: null, low: null, high: null })], ["–", "–"]);
});

test("thousands are parted by spaces; nouns follow their number", () => {
  assert.equal(count(1234567), "1 234 567");
  assert.equal(counted("12345 of 100000 images"), "12 345 of 100 000 images");
  assert.deepEqual(
    [many(1, "image"), many(0, "image"), many(2, "class", "classes")],
    ["1 image", "0 images", "2 classes"],
  );
});

test("a class has its number and one of eight colours; an unknown one a question mark", () => {
  const names = [..."abcdefghij"];
  assert.equal(
    badge(names, "j").outerHTML,
    '<span class="cu-badge cu-class-1" aria-hidden="true">10</span>',
  );
  assert.equal(
    badge(names, "?").outerHTML,
    '<span class="cu-badge cu-class-none" aria-hidden="true">?</span>',
  );
});

test("an error is an alert, no error is nothing; an icon is not read aloud", () => {
  assert.equal(problem("bad")?.getAttribute("role"), "alert");
  assert.deepEqual([problem(""), problem(null)], [null, null]);
  assert.equal(icon("check").getAttribute("aria-hidden"), "true");
});
