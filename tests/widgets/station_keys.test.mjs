// Keys of all stations: G and a number open one, and what else answers numbers does not hear of it;
// Ctrl Enter presses the coloured button.

import assert from "node:assert/strict";
import { test } from "node:test";
import { stationKeys } from "../../widgets/static/station_keys.js";

/** Press a key on an element. @param {Element} target @param {string} key @param {KeyboardEventInit} [how] */
const press = (target, key, how = {}) =>
  target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...how }));

test("G and a number open a station; alone, in a field or with Ctrl they do not", () => {
  const el = document.createElement("div");
  el.innerHTML = "<button class=cu-station></button><button class=cu-station></button><input>";
  document.body.append(el);
  /** @type {string[]} */
  const heard = [];
  const [, second] = el.querySelectorAll("button");
  second.addEventListener("click", () => heard.push("second"));
  const others = (/** @type {KeyboardEvent} */ event) => heard.push(event.key);
  document.addEventListener("keydown", others);
  const end = stationKeys(el);
  press(document.body, "g");
  press(document.body, "1");
  assert.deepEqual(heard.splice(0), ["second"]);
  press(document.body, "1");
  press(document.body, "g");
  press(document.body, "9"); // there is no such station
  press(document.body, "1");
  press(/** @type {Element} */ (el.lastElementChild), "g");
  press(document.body, "g", { ctrlKey: true });
  press(document.body, "1");
  assert.deepEqual(heard.splice(0), ["1", "9", "1", "g", "g", "1"]);
  end();
  press(document.body, "g");
  press(document.body, "1");
  assert.deepEqual(heard, ["g", "1"]);
  document.removeEventListener("keydown", others);
});

test("Ctrl Enter takes the focus to the button that it presses, but not out of a field", (t) => {
  const seen = Object.getOwnPropertyDescriptor(HTMLElement.prototype, "offsetParent");
  const drawn = { configurable: true, get: () => document.body }; // nothing is laid out here
  Object.defineProperty(HTMLElement.prototype, "offsetParent", drawn);
  const el = document.createElement("div");
  el.innerHTML = "<button class=cu-station></button><button class=cu-primary></button><input>";
  document.body.append(el);
  const end = stationKeys(el);
  t.after(() => {
    end();
    el.remove();
    if (seen) Object.defineProperty(HTMLElement.prototype, "offsetParent", seen);
  });
  const [station, primary] = el.querySelectorAll("button");
  const field = /** @type {HTMLElement} */ (el.lastElementChild);
  let pressed = 0;
  primary.addEventListener("click", () => {
    pressed += 1;
  });
  for (const [from, stays] of [
    [station, primary],
    [field, field],
  ]) {
    from.focus();
    press(from, "Enter", { ctrlKey: true });
    assert.equal(document.activeElement, stays);
  }
  assert.equal(pressed, 2);
});
