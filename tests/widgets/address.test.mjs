// The address of a view: fragments taken apart and put together, Back and Forward kept in step.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { following, parse, written } from "../../widgets/static/address.js";

/** @import {Place, ShellState} from "../../widgets/static/states" */
/** @import {Message, Model} from "../../widgets/static/types" */

/** @type {Place} */
const EMPTY = {
  project: "",
  station: "",
  queue: "",
  filters: {},
  first: 1,
  image: null,
  sort: "",
  by: "",
  group: null,
};
/** @type {Place} */
const BLACK = {
  project: "bears",
  station: "review",
  queue: "top-losses",
  filters: { class: "black", text: "a&b=ü" },
  first: 3,
  image: 42,
  sort: "",
  by: "",
  group: null,
};

test("what is written is read again", () => {
  for (const place of [
    BLACK,
    { ...EMPTY, project: "train", station: "train" },
    { ...EMPTY, project: "Bären / 2 ~%#?", station: "collect" },
    { ...EMPTY, project: "data", station: "data", queue: "grid", sort: "size" },
  ])
    assert.deepEqual(parse(written(place)), place);
  assert.equal(
    written({ ...BLACK, filters: { class: "black" } }),
    "#/bears/review/top-losses?class=black&first=3&image=42",
  );
});

test("addresses of the station's former name still lead to it", () => {
  for (const hash of ["#/export", "#/use"])
    assert.deepEqual(parse(hash), { ...EMPTY, station: "use" });
  assert.deepEqual(parse("#/bears/export"), { ...EMPTY, project: "bears", station: "use" });
  assert.deepEqual(parse("#/export/use"), { ...EMPTY, project: "export", station: "use" });
});

test("a project may be left out; the start page has an address; none is none", () => {
  assert.deepEqual(parse("#/review/suspicious?class=black&first=3"), {
    ...EMPTY,
    station: "review",
    queue: "suspicious",
    filters: { class: "black" },
    first: 3,
  });
  assert.deepEqual(parse("#/train"), { ...EMPTY, station: "train" });
  assert.deepEqual(parse("#/bears"), { ...EMPTY, project: "bears" });
  assert.deepEqual(parse("#/review/train"), { ...EMPTY, project: "review", station: "train" });
  assert.deepEqual(parse("#/"), { ...EMPTY, station: "start" });
  assert.equal(written({ ...EMPTY, station: "start" }), "#/");
  assert.deepEqual([parse(""), parse("#")], [null, null]);
});

test("what is no address is left for the kernel to refuse", () => {
  for (const hash of ["#x", "#/a/review/b/c/d", "#/%E0%A4%A", "#//etc/passwd", "#/../../etc"])
    assert.ok(!["", "start", "review"].includes(parse(hash)?.station ?? ""), hash);
  const place = parse("#/bears/review/all?first=two&token=secret&__proto__=x");
  assert.ok(Number.isNaN(place?.first));
  assert.deepEqual(place?.filters, {});
});

/** @type {Message[]} */
let sent = [];
/** @type {(changes: Partial<ShellState>) => void} */
let change = () => {};
/** @type {Model<ShellState>} */
let model;
beforeEach(() => {
  history.replaceState(null, "", "#");
  sent = [];
  const state = /** @type {ShellState} */ ({ place: EMPTY, visits: 0 });
  model = {
    get: () => state,
    on: (_, listener) => {
      change = (changes) => {
        Object.assign(state, changes);
        /** @type {() => void} */ (listener)();
      };
    },
    off: () => {},
    send: (message) => sent.push(message),
  };
});

test("a queue is a step for Back, a page is none; a refused address is put right", () => {
  const end = following(model);
  const before = history.length;
  change({ place: BLACK }); // of a kernel that stood by
  assert.equal(location.hash, "");
  change({ visits: 1 });
  assert.equal(location.hash, written(BLACK));
  assert.equal(history.length, before);
  change({ place: { ...BLACK, first: 4 } });
  assert.equal(history.length, before);
  change({ place: { ...BLACK, queue: "all" } });
  assert.equal(history.length, before + 1);
  history.replaceState(null, "", "#/nonsense");
  window.dispatchEvent(new PopStateEvent("popstate"));
  assert.deepEqual(sent, [{ do: "visit", place: parse("#/nonsense") }]);
  change({ images: 3 }); // nothing of the view: the address waits for the answer
  assert.equal(location.hash, "#/nonsense");
  change({ visits: 2 });
  assert.equal(location.hash, written({ ...BLACK, queue: "all" }));
  assert.equal(history.length, before + 1);
  end();
});
