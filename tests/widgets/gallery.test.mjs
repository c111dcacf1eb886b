// The gallery's tiles: what they say, and that those which stay as they are are not drawn again.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { patch } from "../../widgets/static/drawing.js";
import { queueBar, UNFILTERED } from "../../widgets/static/gallery_queue.js";
import { tileOf } from "../../widgets/static/gallery_tile.js";
import { matching } from "../../widgets/static/typing_box.js";

/** @import {Act, GalleryState, Tile, Ui} from "../../widgets/static/review_states" */

const act = /** @type {Act} */ ({});
/** @type {Tile} */
const tile = {
  id: 7,
  label: "black",
  predicted: "teddy",
  confidence: 0.9,
  split: "valid",
  in_sample: false,
  flags: ["flagged", "duplicate"],
  note: "",
  state: "new",
  relabelled: false,
  loss: 2.3,
  band: null,
};
const page = /** @type {GalleryState} */ ({ classes: ["black", "teddy"], offset: 24, total: 100 });
/** @type {Ui} */
let ui;
beforeEach(() => {
  ui = {
    focus: 0,
    anchor: 0,
    selected: new Set(),
    help: false,
    filters: false,
    zoom: null,
    why: false,
    typing: null,
    waiting: false,
    columns: 0,
    more: false,
    whole: false,
    drawer: false,
    pictures: new Map(),
    drawn: new Map(),
  };
});

test("a tile says all that it shows", () => {
  const drawn = tileOf(tile, 0, page, ui, act);
  assert.equal(
    drawn.getAttribute("aria-label"),
    "25: black, predicted teddy 90 %, validation image, duplicate",
  );
  assert.equal(drawn.getAttribute("tabindex"), "0");
  assert.match(drawn.textContent ?? "", /Vduplicate.*teddy\?90 %1black/);
});

test("a tile that stays as it is comes without its content, and keeps it on the page", () => {
  const drawn = tileOf(tile, 0, page, ui, act);
  document.body.replaceChildren(drawn);
  const before = drawn.outerHTML;
  const again = tileOf(tile, 0, page, ui, act);
  assert.equal(again.childNodes.length, 0);
  patch(drawn, again);
  assert.equal(drawn.outerHTML, before);
});

test("a tile is drawn anew when its state, its picture, the focus or the selection changes", () => {
  const drawn = () => tileOf(tile, 0, page, ui, act).childNodes.length > 0;
  drawn();
  assert.equal(drawn(), false);
  for (const change of [
    () => ui.selected.add(7),
    () => ui.pictures.set(7, "blob:x"),
    () => {
      ui.focus = 1;
    },
  ]) {
    change();
    assert.equal(drawn(), true);
    assert.equal(drawn(), false);
  }
  assert.ok(tileOf({ ...tile, state: "deleted" }, 0, page, ui, act).querySelector(".cu-mark"));
});

test("typed letters find the classes that begin with them first", () => {
  assert.deepEqual(matching(["grizzly", "black", "big bear", "Bear"], "b"), [
    "black",
    "big bear",
    "Bear",
  ]);
  assert.deepEqual(matching(["polar bear", "Bear"], "bear "), ["Bear", "polar bear"]);
});

test("a filter that is open keeps its element when others come beside it", () => {
  const nothing = { hosts: [], tags: [], issues: [] };
  const state = /** @type {GalleryState} */ (
    /** @type {unknown} */ ({
      ...page,
      kind: "all",
      title: "Everything",
      meaning: "",
      asked: [],
      queues: [],
      concepts: [{ name: "loops", images: null, low: null, high: null, yes: 1, no: 0 }],
      filters: UNFILTERED,
      choices: nothing,
      seen: 0,
    })
  );
  const bar = queueBar(state, { ...ui, filters: true }, act);
  const shows = bar.querySelector("select[name=concept]");
  assert.ok(shows);
  const tags = /** @type {GalleryState["choices"]} */ ({ ...nothing, tags: [["teddy", 3]] });
  patch(bar, queueBar({ ...state, choices: tags }, { ...ui, filters: true }, act));
  assert.ok(bar.querySelector("select[name=tag]"));
  assert.equal(bar.querySelector("select[name=concept]"), shows);
});
