// The station Use: cards as elements, trees of what would be written, and what differs in words.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bytes } from "../../widgets/static/figures.js";
import { markdown } from "../../widgets/static/markdown.js";
import { answered } from "../../widgets/static/try_it.js";
import { tree } from "../../widgets/static/use_data.js";
import { difference } from "../../widgets/static/use_versions.js";

/** @import {Format, Plan} from "../../widgets/static/use_states" */

const part = (/** @type {string} */ path, /** @type {number} */ files) => ({
  path,
  holds: `${files} images`,
  files,
  bytes: 1000 * files,
});

/** @type {Plan} */
const PLAN = {
  sentence: "",
  images: 60,
  files: 60,
  bytes: 60_000,
  free: null,
  counts: [],
  undecided: 0,
  folders: [..."abcde"].map((name) => part(`train/${name}/`, 10)).concat(part("valid/a/", 1234)),
  formats: [],
  version: null,
  card: "",
};

/** @param {Partial<Format>} own @returns {Format} */
const format = (own) => ({
  name: "csv",
  holds: "",
  use: "",
  chosen: true,
  has_folders: true,
  parts: [],
  ...own,
});

test("a tree shows the first classes of each side and says how many follow", () => {
  assert.deepEqual(tree(PLAN, format({ parts: [part("cleaned.csv", 1)] })), [
    { name: "train/" },
    { name: "a/", holds: "10", depth: 1 },
    { name: "b/", holds: "10", depth: 1 },
    { name: "c/", holds: "10", depth: 1 },
    { name: "… 2 more classes", depth: 1 },
    { name: "valid/" },
    { name: "a/", holds: "1 234", depth: 1 },
    { name: "cleaned.csv", holds: "1 images", file: true },
  ]);
  const shards = [1, 2, 3, 4].map((number) => part(`shards/train-00000${number}.tar`, 1000));
  assert.deepEqual(tree(PLAN, format({ has_folders: false, parts: shards })).slice(-1), [
    { name: "… 1 more file" },
  ]);
});

test("sizes are said as people say them", () => {
  assert.deepEqual([0, 1500, 3_400_000, 12_300_000, 51e9].map(bytes), [
    "1 kB",
    "2 kB",
    "3.4 MB",
    "12 MB",
    "51 GB",
  ]);
});

test("a card becomes headings, tables, lists and code; nothing in it becomes an element", () => {
  const card = [
    "---\nlicense: other\n---\n\n# my \\*bears\\*\n",
    "| class | train |\n| --- | --- |\n| a\\|b \\<img\\> | 12 |\n",
    "- one\n  goes on\n- `two`\n",
    "    curator predict\n",
    "Text <b>is</b> text.",
  ].join("\n");
  const made = markdown(card);
  assert.equal(made.querySelector("h3")?.textContent, "my *bears*");
  assert.deepEqual(
    [...made.querySelectorAll("td")].map((cell) => cell.textContent),
    ["a|b <img>", "12"],
  );
  assert.deepEqual(
    [...made.querySelectorAll("li")].map((item) => item.textContent),
    ["one goes on", "two"],
  );
  assert.equal(made.querySelector("pre")?.textContent, "curator predict");
  assert.equal(made.lastElementChild?.textContent, "Text <b>is</b> text.");
  assert.deepEqual([made.querySelector("img"), made.querySelector("b")], [null, null]);
});

test("what differs is one sentence", () => {
  const of = (/** @type {any[]} */ kinds) => difference({ before: "v1", after: "now", kinds });
  assert.equal(of([]), "Nothing differs from v1 to the data set of today.");
  assert.equal(
    of([
      { kind: "deleted", count: 1200, changes: [] },
      { kind: "split", count: 2, changes: [] },
    ]),
    "1 200 deleted, 2 changed the split from v1 to the data set of today.",
  );
});

test("an answer is one line; a picture of no class says so and names the nearest", () => {
  const said = (/** @type {number} */ share, none = false) =>
    answered({
      sentence: "",
      predictions: [["grizzly", share]],
      none_of_these: none,
      nearest: [],
      image_id: null,
      label: null,
    });
  assert.equal(said(0.931), "grizzly 93 %");
  assert.equal(said(0.9991), "grizzly 99.9 %");
  assert.equal(said(0.41, true), "None of these; nearest: grizzly 41 %");
});
