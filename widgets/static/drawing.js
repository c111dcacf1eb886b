// @ts-check
// What every panel's script begins with: drawing from state, and a few words and shapes.
//
// A panel is a pure function from its state to elements. `mount` draws it again at each change and
// patches the page in place, so that the focus, the text being typed and the scroll position stay.

/** @typedef {{get: (k: string) => any, on: (e: string, f: Function) => void, off: (e: string, f: Function) => void, send: (m: any, callbacks?: any, buffers?: ArrayBuffer[]) => void}} Model */

/**
 * Make an element. Handlers are properties that begin with `on`; false and null children are left
 * out; `key` pairs an element with the same one of the next drawing; one with the same `memo` as the
 * one before is left as it is, and may come without its content.
 * @param {string} tag
 * @param {Record<string, any> | null} [properties]
 * @param {...any} children
 * @returns {any}
 */
export function h(tag, properties, ...children) {
  const svg = ["svg", "path", "circle", "line", "polyline", "text", "g", "rect"].includes(tag);
  const node = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  const any = /** @type {any} */ (node);
  any._on = {};
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) any._on[name.slice(2)] = value;
    else if (name === "key") any._key = value;
    else if (name === "memo") any._memo = value;
    else if (name === "value" || name === "checked") any[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  for (const event of Object.keys(any._on)) node.addEventListener(event, heard);
  for (const child of children.flat(3)) {
    if (child === false || child === null || child === undefined) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  if ("value" in (properties ?? {}) && tag === "select") any.value = properties?.value;
  return node;
}

/** Looks its handler up at the time of the event, so that a patched element uses the newest one.
 * @this {any} @param {Event} event */
function heard(event) {
  this._on?.[event.type]?.(event);
}

/** Whether one can become the other in place. @param {any} one @param {any} other */
function alike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName && one._key === other._key;
}

/** Make the children of `old` equal to `after`. What stays is not moved if it can be helped: a moved
 * element loses the focus. @param {any} old @param {any[]} after */
function patchChildren(old, after) {
  let next = old.firstChild;
  after.forEach((child, place) => {
    let match = next;
    while (match && !alike(match, child)) match = match.nextSibling;
    while (match && next !== match && !after.slice(place + 1).some((later) => alike(next, later))) {
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

/** Make `old` equal to `fresh`, keeping elements that stay. @param {any} old @param {any} fresh */
export function patch(old, fresh) {
  if (!alike(old, fresh)) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (fresh._memo !== undefined && fresh._memo === old._memo) return;
  old._memo = fresh._memo;
  for (const event of Object.keys(fresh._on ?? {})) {
    if (!old._on?.[event]) old.addEventListener(event, heard);
  }
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
  if (old.nodeName === "SELECT" && old !== document.activeElement) old.value = fresh.value;
  if (["checkbox", "radio"].includes(old.type) && old !== document.activeElement) old.checked = fresh.checked;
}

/**
 * Draw `view(state, send)` into `el`, now and at each change of the state.
 * @param {Model} model @param {HTMLElement} el
 * @param {(state: any, send: (m: any) => void) => any} view
 * @returns {{redraw: () => void, end: () => void}} for what changes beside the state, and to stop
 */
export function drawn(model, el, view) {
  const send = (/** @type {any} */ message) => model.send(message);
  el.setAttribute("data-lm-suppress-shortcuts", "true"); // JupyterLab would take our keys
  let root = view(model.get("state"), send);
  el.replaceChildren(root);
  const redraw = () => {
    patch(root, view(model.get("state"), send));
    root = el.firstChild;
  };
  model.on("change:state", redraw);
  return { redraw, end: () => model.off("change:state", redraw) };
}

/** Like `drawn`, for a panel that shows its state alone; gives what ends it.
 * @param {Model} model @param {HTMLElement} el @param {(state: any, send: (m: any) => void) => any} view */
export function mount(model, el, view) {
  return drawn(model, el, view).end;
}
