// @ts-check
// Text for the clipboard.

import { h } from "./drawing.js";

/** Put text on the clipboard; true when the browser allowed it. @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without the permission there is the old way, which needs a selection.
    const field = h("textarea", { style: "position:fixed;opacity:0" }, text);
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/** A command or a path, with the button that copies it. @param {string} text @param {string} title */
export function copyable(text, title) {
  /** @param {MouseEvent & {currentTarget: HTMLElement}} event */
  const copy = async (event) => {
    const button = event.currentTarget;
    const done = await copyText(text);
    button.textContent = done ? "Copied" : "Select it and press Ctrl+C";
    window.setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  };
  return h(
    "div",
    { class: "cu-copyable" },
    h("code", { class: "cu-command" }, text),
    h("button", { class: "cu-button", type: "button", "aria-label": title, onclick: copy }, "Copy"),
  );
}
