// Drawing: elements from values, and patches that keep what the user holds.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { drawn, h, mount, patch } from "../../widgets/static/drawing.js";

/** @import {Message, Model} from "../../widgets/static/types" */

const el = document.createElement("div");
document.body.append(el);
beforeEach(() => el.replaceChildren());

/** Put an element on the page. @template {HTMLElement | SVGElement} E @param {E} made */
function shown(made) {
  el.replaceChildren(made);
  return made;
}

/** @template {object} State @param {State} state */
function modelOf(state) {
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {Message[]} */
  const sent = [];
  /** @type {Model<State>} */
  const model = {
    get: () => state,
    on: (_, listener) => listeners.add(/** @type {() => void} */ (listener)),
    off: (_, listener) => listeners.delete(/** @type {() => void} */ (listener)),
    send: (message) => sent.push(message),
  };
  const change = (/** @type {Partial<State>} */ changes) => {
    Object.assign(state, changes);
    for (const listener of listeners) listener();
  };
  return { model, sent, change, listeners };
}

test("text is text, whatever is in it", () => {
  const made = h("p", { title: '"><script>' }, "<b>", 3, h("i", {}, "x"));
  assert.equal(made.outerHTML, '<p title="&quot;><script>">&lt;b&gt;3<i>x</i></p>');
});

test("false, null and undefined draw nothing; 0 and empty text are values; lists nest", () => {
  const made = h(
    "p",
    { hidden: true, title: false, lang: null, id: undefined, tabindex: 0 },
    [1, [null, [0, false]]],
    undefined,
    "",
  );
  assert.equal(made.outerHTML, '<p hidden="" tabindex="0">10</p>');
});

test("shapes are of SVG's namespace, with its attributes as they are written", () => {
  const made = h("svg", { viewBox: "0 0 1 1" }, h("path", { d: "M0 0" }));
  assert.equal(made.namespaceURI, "http://www.w3.org/2000/svg");
  assert.equal(made.firstElementChild?.namespaceURI, made.namespaceURI);
  assert.equal(made.getAttribute("viewBox"), "0 0 1 1");
});

test("a selection takes its value once its options are there", () => {
  const made = h(
    "select",
    { value: "b" },
    h("option", { value: "a" }),
    h("option", { value: "b" }),
  );
  assert.equal(made.value, "b");
});

test("a patched element answers with its newest handler, and once", () => {
  /** @type {string[]} */
  const heard = [];
  const old = shown(h("button", { onclick: () => heard.push("old") }));
  patch(old, h("button", { onclick: () => heard.push("new") }));
  old.click();
  patch(old, h("button", {}));
  old.click();
  patch(old, h("button", { onclick: () => heard.push("newest") }));
  old.click();
  assert.deepEqual(heard, ["new", "newest"]);
});

test("attributes and text follow; an element of another tag or key takes its place", () => {
  const old = shown(h("p", { class: "a", title: "t" }, "one"));
  const text = old.firstChild;
  assert.equal(patch(old, h("p", { class: "b" }, "two")), old);
  assert.equal(el.innerHTML, '<p class="b">two</p>');
  assert.equal(old.firstChild, text);
  const other = h("div", {}, "three");
  assert.equal(patch(old, other), other);
  assert.equal(el.firstChild, other);
  const keyed = h("div", { key: 1 }, "three");
  assert.equal(patch(other, keyed), keyed);
});

test("keyed children are kept through insertions, removals and reversals", () => {
  const list = (/** @type {number[]} */ keys) =>
    h(
      "ul",
      {},
      keys.map((key) => h("li", { key }, key)),
    );
  const old = shown(list([1, 2, 3, 4]));
  const before = new Map([...old.children].map((child) => [child.textContent, child]));
  for (const keys of [[0, 1, 2, 3, 4], [2, 4], [4, 3, 2, 1], [5, 2, 6], []]) {
    patch(old, list(keys));
    assert.deepEqual(
      [...old.children].map((child) => child.textContent),
      keys.map(String),
    );
    if (keys.includes(2))
      assert.equal(
        [...old.children].find((child) => child.textContent === "2"),
        before.get("2"),
      );
  }
});

test("what stays is not moved when others go: it would lose the focus", () => {
  const list = (/** @type {string[]} */ keys) =>
    h(
      "div",
      {},
      keys.map((key) => h("button", { key, id: key }, key)),
    );
  const old = shown(list(["a", "b", "c"]));
  /** @type {HTMLElement | null} */ (old.querySelector("#c"))?.focus();
  patch(old, list(["c", "d"]));
  assert.equal(document.activeElement?.id, "c");
});

test("what the user types stays; a field with another key starts anew", () => {
  const field = (/** @type {string} */ value, key = "k") =>
    h("form", {}, h("input", { key, name: "n", value }));
  const old = shown(field("old"));
  const input = /** @type {HTMLInputElement} */ (old.firstChild);
  input.value = "typed";
  patch(old, field("fresh"));
  assert.equal(input.value, "typed");
  patch(old, field("fresh", "other"));
  assert.equal(/** @type {HTMLInputElement} */ (old.firstChild).value, "fresh");
});

test("boxes and selections follow the state unless the user is at them", () => {
  const form = (/** @type {boolean} */ checked, /** @type {string} */ value) =>
    h(
      "form",
      {},
      h("input", { type: "checkbox", checked }),
      h("select", { value }, h("option", { value: "a" }), h("option", { value: "b" })),
    );
  const old = shown(form(false, "a"));
  const [box, choice] = /** @type {[HTMLInputElement, HTMLSelectElement]} */ (
    /** @type {unknown} */ (old.children)
  );
  patch(old, form(true, "b"));
  assert.deepEqual([box.checked, choice.value], [true, "b"]);
  choice.focus();
  patch(old, form(false, "a"));
  assert.deepEqual([box.checked, choice.value], [false, "b"]);
});

test("details that the user opened stay open", () => {
  const old = shown(h("details", {}));
  old.open = true;
  patch(old, h("details", {}));
  assert.equal(old.open, true);
});

test("an element with the same memo is left as it is, and may come without content", () => {
  const old = shown(h("p", { memo: "1", class: "a" }, "content"));
  patch(old, h("p", { memo: "1" }));
  assert.equal(el.innerHTML, '<p class="a">content</p>');
  patch(old, h("p", { memo: "2" }, "other"));
  assert.equal(el.innerHTML, "<p>other</p>");
});

test("a panel is drawn at each change of its state, until it ends", () => {
  const { model, sent, change, listeners } = modelOf({ name: "a" });
  const end = mount(model, el, (state, send) =>
    h("button", { onclick: () => send({ do: "greet", name: state.name }) }, state.name),
  );
  const button = /** @type {HTMLElement} */ (el.firstChild);
  change({ name: "b" });
  assert.equal(el.firstChild, button);
  button.click();
  assert.deepEqual(sent, [{ do: "greet", name: "b" }]);
  end();
  assert.equal(listeners.size, 0);
});

test("a panel may change its outermost element, and be drawn for what is not its state", () => {
  const { model, change } = modelOf({ tag: /** @type {"p" | "div"} */ ("p") });
  let extra = 1;
  const page = drawn(model, el, (state) => h(state.tag, {}, extra));
  change({ tag: "div" });
  extra = 2;
  page.redraw();
  assert.equal(el.innerHTML, "<div>2</div>");
});

test("the panel's part of the page takes its keys itself", () => {
  mount(modelOf({}).model, el, () => h("p", {}));
  assert.equal(el.getAttribute("data-lm-suppress-shortcuts"), "true");
});

test("a part that comes in before another does not become it under the pointer", () => {
  /** @type {string[]} */
  const done = [];
  const part = (/** @type {string} */ name) =>
    h("section", { "data-part": name }, h("button", { onclick: () => done.push(name) }, name));
  const root = h("div", {}, part("recipe"));
  const button = /** @type {HTMLElement} */ (root.querySelector("button"));
  patch(root, h("div", {}, part("verdict"), part("recipe")));
  button.click();
  assert.deepEqual(done, ["recipe"]);
});
