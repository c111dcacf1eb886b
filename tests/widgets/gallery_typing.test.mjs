// What is typed over the gallery stays while another page comes, and means the images that it was
// begun for.

import assert from "node:assert/strict";
import { test } from "node:test";
import gallery from "../../widgets/static/gallery.js";
import { UNFILTERED } from "../../widgets/static/gallery_queue.js";

/** @import {GalleryState, Tile} from "../../widgets/static/review_states" */

/** @param {number} id @returns {Tile} */
const tile = (id) => ({
  id,
  label: "black",
  predicted: "teddy",
  confidence: 0.9,
  split: "valid",
  in_sample: false,
  flags: [],
  note: "",
  state: "new",
  relabelled: false,
  loss: 2.3,
  band: null,
});

/** @param {number} number of the queue @param {number[]} ids */
const page = (number, ids) =>
  /** @type {GalleryState} */ (
    /** @type {unknown} */ ({
      kind: "suspicious",
      title: "Most suspicious",
      queues: [],
      counts: {},
      filters: UNFILTERED,
      choices: { hosts: [], tags: [], issues: [] },
      classes: ["black", "teddy"],
      class_ids: [1, 2],
      concepts: [],
      asked: [],
      size: "M",
      page: 4,
      total: ids.length,
      seen: ids.length,
      offset: 0,
      tiles: ids.map(tile),
      queue_number: number,
      status: "",
    })
  );

test("a name that is typed while another queue comes is for the images that it was begun for", () => {
  let state = page(1, [7, 8, 9]);
  /** @type {Record<string, (value?: any) => void>} */
  const heard = {};
  /** @type {any[]} */
  const sent = [];
  const el = document.createElement("div");
  document.body.replaceChildren(el);
  const end = gallery.render(
    /** @type {any} */ ({
      el,
      model: {
        get: () => state,
        send: (/** @type {any} */ message) => sent.push(message),
        on: (/** @type {string} */ what, /** @type {() => void} */ todo) => {
          heard[what] = todo;
        },
        off: () => {},
      },
    }),
  );
  [...el.querySelectorAll("button")].find((one) => one.textContent.includes("class…"))?.click();
  const field = () => /** @type {HTMLInputElement} */ (el.querySelector("input[name=relabel]"));
  field().focus();
  field().value = "te";
  field().dispatchEvent(new Event("input", { bubbles: true }));

  state = page(2, [3, 4, 7]); // as after a training that has just ended
  heard["change:state"]();
  assert.equal(field()?.value, "te");
  assert.equal(document.activeElement, field());
  field().dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  const decided = sent.filter((message) => message.do === "decide");
  assert.deepEqual(
    decided.map(({ ids, label }) => [ids, label]),
    [[[7], "teddy"]],
  );
  assert.equal(field(), null);
  end();
});
