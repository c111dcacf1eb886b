// @ts-check
// Small shapes that all panels share: a class's badge, an error, a term, an icon.

import { h } from "./drawing.js";

/** The mark of a class: its number, which is also its key, in its colour.
 * @param {string[]} classes @param {string} name */
export function badge(classes, name) {
  const place = classes.indexOf(name);
  return h(
    "span",
    { class: `cu-badge cu-class-${place < 0 ? "none" : place % 8}`, "aria-hidden": "true" },
    place < 0 ? "?" : place + 1,
  );
}

/** An error beside its cause. @param {string | null | undefined} text */
export function problem(text) {
  return text ? h("p", { class: "cu-error", role: "alert" }, text) : null;
}

/** Plain words, with the field's term for them one hover, tap or Tab away.
 * @param {string} words @param {string} meaning */
export function term(words, meaning) {
  return h("span", { class: "cu-term", tabindex: "0", title: meaning }, words);
}

const ICONS = {
  check: "M3 8.5l3.2 3L13 4.5",
  cross: "M4 4l8 8M12 4l-8 8",
  alert: "M8 3v6M8 12v.5",
};

/** A 16 px line icon. @param {keyof typeof ICONS} name */
export function icon(name) {
  return h(
    "svg",
    { viewBox: "0 0 16 16", class: "cu-icon", "data-icon": name, "aria-hidden": "true" },
    h("path", { d: ICONS[name] }),
  );
}
