// @ts-check
// What an import would take in, before it does, and taking it back afterwards.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { badge, icon } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {CollectState, ImportPreview} from "./states" */

const CLASSES = 24; // that are named; of the others there is the number

/** @param {string[]} names @param {ImportPreview["classes"]} classes */
function classesOf(names, classes) {
  return h(
    "ul",
    { class: "cu-list cu-offered", "aria-label": "Classes" },
    classes
      .slice(0, CLASSES)
      .map((item) =>
        h(
          "li",
          { key: item.name },
          item.is_new ? h("span", { class: "cu-new" }, "new") : badge(names, item.name),
          h("span", { class: "cu-name", title: item.name }, item.name),
          h("span", { class: "cu-figure" }, count(item.files)),
        ),
      ),
    classes.length > CLASSES && h("li", {}, `and ${count(classes.length - CLASSES)} more classes`),
  );
}

/** What is not taken, each with why. @param {ImportPreview["skipped"]} skipped */
function skippedOf(skipped) {
  if (!skipped.length) return null;
  const all = skipped.reduce((sum, item) => sum + item.files, 0);
  return h(
    "details",
    { class: "cu-refused" },
    h("summary", {}, `${many(all, "file")} would be skipped`),
    skipped.map((item) =>
      h(
        "p",
        { class: "cu-hint" },
        `${count(item.files)}: ${item.problem} `,
        item.examples.join(", "),
        item.files > item.examples.length && ", …",
      ),
    ),
  );
}

/** Lists of addresses beside the images, which are added to the classes that they name.
 * @param {CollectState["offers"][number]} offer @param {ImportPreview["lists"]} lists @param {Send} send */
function listsOf(offer, lists, send) {
  if (!lists.length) return null;
  const named = offer.is_upload ? [] : lists.filter((list) => list.class_name);
  const said = lists
    .map((list) => (list.class_name ? `${list.path} (${list.class_name})` : list.path))
    .join(", ");
  return h(
    "p",
    { class: "cu-hint" },
    `Lists of addresses beside the images: ${said}. `,
    named.length > 0
      ? h(
          "button",
          {
            class: "cu-link",
            type: "button",
            onclick: () => send({ do: "add_lists", key: offer.key }),
          },
          `Add what ${named.length === 1 ? `${named[0].path} lists` : `these ${named.length} list`}`,
        )
      : "Drop them here to add what they list.",
  );
}

/** @param {CollectState["offers"][number]} offer @param {CollectState} state @param {Send} send */
function offered(offer, state, send) {
  const { key, title, preview } = offer;
  const leave = h(
    "button",
    { class: "cu-button", type: "button", onclick: () => send({ do: "leave_it", key }) },
    "Leave it",
  );
  if (!preview) {
    return h(
      "div",
      { class: "cu-preview cu-has", key, role: "status" },
      h("p", {}, h("strong", {}, title), ": looking at what is there…"),
      leave,
    );
  }
  const splits = Object.entries(preview.splits);
  return h(
    "div",
    { class: "cu-preview cu-has cu-offer", key, role: "status" },
    h("p", {}, h("strong", {}, title), `: ${preview.sentence}`),
    preview.warnings.map((text) =>
      h("p", { class: "cu-warning" }, icon("alert"), h("span", {}, text)),
    ),
    classesOf(state.names, preview.classes),
    splits.length > 0 &&
      h(
        "p",
        { class: "cu-hint" },
        `Its folders name splits: ${splits.map(([name, files]) => `${count(files)} ${name}`).join(", ")}.`,
      ),
    skippedOf(preview.skipped),
    listsOf(offer, preview.lists, send),
    h(
      "div",
      { class: "cu-row" },
      h(
        "button",
        {
          class: "cu-button cu-primary",
          type: "button",
          disabled: !preview.files,
          onclick: () => send({ do: "take_in", key }),
        },
        `Take in ${many(preview.new || preview.files, "image")}`,
      ),
      leave,
    ),
  );
}

/** What waits for an answer, beside where it came from: a drop or the form.
 * @param {CollectState} state @param {Send} send @param {boolean} dropped */
export function offers(state, send, dropped) {
  return state.offers
    .filter((offer) => offer.is_upload === dropped)
    .map((offer) => offered(offer, state, send));
}

/** The step back, while the last act was an import. @param {CollectState} state @param {Send} send */
export function importSteps(state, send) {
  const { undo_import: undo, redo_import: redo, busy } = state;
  const step = (/** @type {string} */ what, /** @type {string} */ text) =>
    h(
      "p",
      { key: what },
      h(
        "button",
        { class: "cu-link", type: "button", disabled: busy, onclick: () => send({ do: what }) },
        text,
      ),
    );
  return [
    undo > 0 && step("undo_import", `Take back the import of ${many(undo, "image")}`),
    redo > 0 && step("redo_import", `Bring back the import of ${many(redo, "image")}`),
  ];
}
