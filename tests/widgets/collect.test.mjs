// The page is ahead of the kernel: a click holds at once, and what is typed on is kept.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import panel from "../../widgets/static/collect.js";

/** @import {CollectState} from "../../widgets/static/states" */
/** @import {Message} from "../../widgets/static/types" */

/** @type {CollectState} */
let state;
/** @type {Message[]} */
let sent;
/** @type {() => void} */
let changed;
/** @type {HTMLElement} */
let el;

const field = () => /** @type {HTMLTextAreaElement} */ (el.querySelector("[name=text]"));
const press = (/** @type {string} */ text) =>
  /** @type {HTMLElement[]} */ ([...el.querySelectorAll("button")])
    .find((button) => button.textContent?.includes(text))
    ?.click();
const told = (/** @type {Partial<CollectState>} */ news) => {
  state = { ...state, ...news };
  changed();
};

beforeEach(() => {
  sent = [];
  el = document.createElement("div");
  document.body.replaceChildren(el);
  const names = ["seven", "eight"];
  state = {
    names,
    classes: names.map((name) => ({ name, images: 0, pending: 0, failed: 0, newest: [] })),
    chosen: "seven",
    added: null,
    added_number: 0,
    previews: [],
    previewing: false,
    adding: false,
    upload: null,
    notices: [],
    offers: [],
    more_of: null,
    undo_import: 0,
    redo_import: 0,
    taken: null,
    addresses: { pending: 0 },
    failures: [],
    errors: {},
    busy: false,
    fetching: false,
    allow_private: false,
    by_folder: false,
  };
  panel.render(
    /** @type {any} */ ({
      el,
      model: {
        get: (/** @type {string} */ name) => (name === "state" ? state : {}),
        on: (/** @type {string} */ name, /** @type {() => void} */ then) => {
          if (name === "change:state") changed = then;
        },
        off() {},
        send: (/** @type {Message} */ message) => sent.push(message),
      },
    }),
  );
});

test("addresses go to the class that was clicked, before the kernel has answered", () => {
  press("eight");
  assert.equal(el.querySelector("[aria-pressed=true] .cu-name")?.textContent, "eight");
  field().value = "https://example.org/8.jpg";
  press("Add and fetch");
  assert.deepEqual(sent.at(-1), { do: "add", name: "eight", fetch: true });
  told({ adding: true }); // news of something else comes first
  assert.match(el.textContent ?? "", /Addresses of eight/);
  told({ chosen: "eight" });
  told({ chosen: "seven" }); // by the kernel: the clicked class is gone, say
  assert.match(el.textContent ?? "", /Addresses of seven/);
});

test("the field is emptied when its text was added, and not when the user has typed on", () => {
  field().value = "https://example.org/1.jpg";
  press("Add and fetch");
  told({ added_number: 1 });
  assert.equal(field().value, "");
  field().value = "https://example.org/2.jpg";
  press("Add and fetch");
  field().value = "https://example.org/3.jpg";
  told({ added_number: 2 });
  assert.equal(field().value, "https://example.org/3.jpg");
});
