// @ts-check
// A server that does not answer looks dead: a banner over the page, whose controls are dead, too.
//
// What is typed stays, and all is as it was when the server answers again. Asked is for the page's
// own kernel, so that a server that lives without it is not taken for one that works.

import { h } from "./drawing.js";
import { icon } from "./marks.js";

const EVERY = 1000; // milliseconds between two questions
const PATIENCE = 1500; // milliseconds that an answer may take

const SENTENCES = {
  silent:
    "The dashboard does not answer. What is marked as decided is saved; what is not marked may not be. This page goes on by itself as soon as it answers. If it was stopped, start it with “curator dashboard” and open the address that it prints.",
  ended:
    "This page was away for so long that its part of the dashboard has ended. What is marked as decided is saved. Load the page again to go on.",
};

/** @typedef {keyof typeof SENTENCES | null} Lost why nothing can be done, null while all is well */

/** Ask once. @param {string} address of the page's kernel @returns {Promise<Lost>} */
async function ask(address) {
  try {
    const answer = await fetch(address, { signal: AbortSignal.timeout(PATIENCE) });
    return answer.ok ? null : "ended";
  } catch {
    return "silent";
  }
}

/** Say why `page` is dead, or that it lives again. @param {HTMLElement} page @param {Lost} lost */
export function show(page, lost) {
  const there = document.querySelector(".cu-lost");
  if (there?.getAttribute("data-lost") === lost) return;
  there?.remove();
  page.inert = Boolean(lost);
  if (!lost) return;
  const again = { class: "cu-button", onclick: () => location.reload() };
  document.body.append(
    h(
      "div",
      { class: "cu-panel cu-lost", role: "alert", "data-lost": lost },
      icon("alert"),
      h("p", {}, SENTENCES[lost]),
      lost === "ended" && h("button", again, "Load again"),
    ),
  );
}

/** Watch over the server of a page until what is returned is called.
 * @param {HTMLElement} el somewhere on the page @returns {() => void} */
export function watching(el) {
  const config = JSON.parse(document.getElementById("jupyter-config-data")?.textContent ?? "{}");
  if (!config.kernelId) return () => {};
  const address = `${config.baseUrl}api/kernels/${config.kernelId}`;
  /** @type {Element | null} */
  let focused = null;
  let timer = 0;
  let ended = false;
  async function look() {
    const lost = await ask(address);
    if (ended) return;
    const page = /** @type {HTMLElement | null} */ (el.closest(".cu-app"));
    if (page) {
      if (lost && !page.inert) focused = document.activeElement; // which goes with its controls
      const back = !lost && page.inert;
      show(page, lost);
      if (back && focused instanceof HTMLElement) focused.focus();
    }
    timer = window.setTimeout(look, EVERY);
  }
  look();
  return () => {
    ended = true;
    window.clearTimeout(timer);
  };
}
