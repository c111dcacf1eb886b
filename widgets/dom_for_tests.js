// A page for the tests of the scripts: node has none.

import { JSDOM } from "jsdom";

const { window } = new JSDOM("<!doctype html><body></body>", {
  pretendToBeVisual: true,
  url: "http://127.0.0.1/",
});
const NAMES = [
  "document",
  "Node",
  "Element",
  "HTMLElement",
  "HTMLInputElement",
  "HTMLSelectElement",
  "Event",
  "KeyboardEvent",
  "FormData",
  "PopStateEvent",
  "history",
  "location",
];
Object.assign(
  globalThis,
  { window },
  Object.fromEntries(NAMES.map((name) => [name, window[name]])),
);

// What there is nothing to see by, jsdom does not have.
globalThis.IntersectionObserver = /** @type {any} */ (
  class {
    observe() {}
    disconnect() {}
  }
);
window.Element.prototype.scrollIntoView = () => {};
