// @ts-check
// Drawing a panel from its state, and the only place that changes the page.
//
// A panel is a pure function from its state to elements. `mount` draws it again at each change and
// patches the page in place, so that the focus, the text being typed and the scroll position stay.
//
// Why no framework: what is needed of one is these two functions, `h` and `patch`. A library would
// either be copied into the repository or come from another host, and a compiler would make node a
// part of installing; both are ruled out. Elements are made anew at each change, which for a page of
// 60 tiles costs some milliseconds; `memo` skips those that stay as they are.

/** @import {Child, Handlers, Made, Model, Properties, Send, Tag} from "./types" */

/** What `h` notes on an element for the next patch.
 * @typedef {{_on?: Handlers, _key?: string | number, _memo?: string}} Notes */

const SVG = new Set(["svg", "path", "circle", "line", "polyline", "text", "g", "rect"]);

/**
 * Make an element. Handlers are properties that begin with `on`; false and null children are left
 * out; `key`, or else `data-part`, pairs an element with the same one of the next drawing, so that
 * none becomes another under the pointer; one with the same `memo` as the one before is left as it
 * is, and may come without its content.
 * @template {Tag} T
 * @param {T} tag
 * @param {Properties | null} [properties]
 * @param {...Child} children
 * @returns {Made<T>}
 */
export function h(tag, properties, ...children) {
  const node = SVG.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  const notes = /** @type {Notes} */ (node);
  /** @type {Record<string, unknown>} */
  const on = {};
  notes._on = on;
  if (typeof properties?.["data-part"] === "string") notes._key = properties["data-part"];
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) on[name] = value;
    else if (name === "key") notes._key = properties?.key ?? undefined;
    else if (name === "memo") notes._memo = properties?.memo;
    else if (name === "value" || name === "checked") Object.assign(node, { [name]: value });
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const name of Object.keys(on)) node.addEventListener(name.slice(2), heard);
  append(node, children);
  if (node instanceof HTMLSelectElement && properties && "value" in properties) {
    node.value = String(properties.value); // its options are there only now
  }
  return /** @type {Made<T>} */ (/** @type {unknown} */ (node));
}

/** @param {Element} node @param {readonly Child[]} children */
function append(node, children) {
  for (const child of children) {
    if (child === false || child === null || child === undefined) continue;
    if (Array.isArray(child)) append(node, child);
    else node.append(child instanceof Node ? child : String(child));
  }
}

/** Looks its handler up at the time of the event, so that a patched element uses the newest one.
 * @this {EventTarget & Notes} @param {Event} event */
function heard(event) {
  const name = /** @type {keyof Handlers} */ (`on${event.type}`);
  /** @type {((event: Event) => void) | undefined} */ (this._on?.[name])?.(event);
}

/** Whether one can become the other in place. @param {Node & Notes} one @param {Node & Notes} other */
function alike(one, other) {
  return one.nodeName === other.nodeName && one._key === other._key;
}

/** Make the children of `old` equal to `after`. What stays is not moved if it can be helped: a moved
 * element loses the focus. @param {Element} old @param {ChildNode[]} after */
function patchChildren(old, after) {
  let next = old.firstChild;
  after.forEach((child, place) => {
    let match = next;
    while (match && !alike(match, child)) match = match.nextSibling;
    while (
      match &&
      next &&
      next !== match &&
      !after.slice(place + 1).some((later) => next && alike(next, later))
    ) {
      const gone = next;
      next = next.nextSibling;
      gone.remove();
    }
    if (!match) old.insertBefore(child, next);
    else if (match === next) {
      next = next.nextSibling;
      patch(match, child);
    } else {
      old.insertBefore(match, next);
      patch(match, child);
    }
  });
  while (next) {
    const gone = next;
    next = next.nextSibling;
    gone.remove();
  }
}

/** Make `old` equal to `fresh`, keeping elements that stay; gives the one that is on the page now.
 * @template {ChildNode & Notes} N @param {ChildNode & Notes} old @param {N} fresh @returns {N} */
export function patch(old, fresh) {
  if (!alike(old, fresh)) {
    old.replaceWith(fresh);
    return fresh;
  }
  if (old instanceof Element && fresh instanceof Element) patchElement(old, fresh);
  else if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
  return /** @type {N} */ (old);
}

/** @param {Element & Notes} old @param {Element & Notes} fresh */
function patchElement(old, fresh) {
  if (fresh._memo !== undefined && fresh._memo === old._memo) return;
  old._memo = fresh._memo;
  for (const name of Object.keys(fresh._on ?? {})) old.addEventListener(name.slice(2), heard); // once: it is the same
  old._on = fresh._on;
  for (const { name } of [...old.attributes]) {
    // An open <details> was opened by the user, not by us.
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) {
      old.removeAttribute(name);
    }
  }
  for (const { name, value } of [...fresh.attributes]) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  patchChildren(old, [...fresh.childNodes]);
  // What the user types belongs to the user; a field with another `key` starts anew.
  if (old === document.activeElement) return;
  if (old instanceof HTMLSelectElement && fresh instanceof HTMLSelectElement)
    old.value = fresh.value;
  else if (old instanceof HTMLInputElement && fresh instanceof HTMLInputElement) {
    if (["checkbox", "radio"].includes(old.type)) old.checked = fresh.checked;
  }
}

/**
 * Draw `view(state, send)` into `el`, now and at each change of the state.
 * @template State @template [Incoming=never]
 * @param {Model<State, Incoming>} model @param {HTMLElement} el
 * @param {(state: State, send: Send) => HTMLElement} view
 * @returns {{redraw: () => void, end: () => void}} for what changes beside the state, and to stop
 */
export function drawn(model, el, view) {
  /** @type {Send} */
  const send = (message) => model.send(message);
  el.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab would take our keys
  let root = view(model.get("state"), send);
  el.replaceChildren(root);
  const redraw = () => {
    root = patch(root, view(model.get("state"), send));
  };
  model.on("change:state", redraw);
  return { redraw, end: () => model.off("change:state", redraw) };
}

/** Like `drawn`, for a panel that shows its state alone; gives what ends it.
 * @template State
 * @param {Model<State>} model @param {HTMLElement} el @param {(state: State, send: Send) => HTMLElement} view */
export function mount(model, el, view) {
  return drawn(model, el, view).end;
}
