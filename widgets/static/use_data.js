// @ts-check
// The data set on its way out: its forms as cards, what will be written, and what was.

import { h } from "./drawing.js";
import { bytes, count, many } from "./figures.js";
import { markdown } from "./markdown.js";
import { icon } from "./marks.js";
import { commands, destination, outcome } from "./use_writing.js";

/** @import {Send} from "./types" */
/** @import {Format, Part, Plan, UseState} from "./use_states" */

const FORMS = /** @type {Record<string, [string, string]>} */ ({
  imagefolder: ["Folders", "One folder a class, as torchvision, Keras and fastai read them"],
  hf: ["Hugging Face", "The same folders, for the library datasets and the Hub"],
  webdataset: ["WebDataset", "Tar files to train from at the disk's or the network's speed"],
  csv: ["Tables", "For fastai, cleanlab and spreadsheets; the curator takes them back"],
  croissant: ["Croissant", "A description that machines and search engines read"],
});
/** @type {Format[]} */
const BLANK = Object.keys(FORMS).map((name) => ({
  name,
  holds: "",
  use: "",
  chosen: false,
  has_folders: false,
  parts: [],
}));
const CLASSES = 3; // lines of each folder in a tree
const FILES = 3; // and of each form's own files

/** @typedef {{name: string, holds?: string, depth?: 1, file?: true}} Line */

/** The lines of a card's tree: its folders with their first classes, then its own files.
 * @param {Plan} plan @param {Format} format @returns {Line[]} */
export function tree(plan, format) {
  /** @type {Line[]} */
  const lines = [];
  if (format.has_folders) {
    const splits = new Map(/** @type {[string, Part[]][]} */ ([]));
    for (const part of plan.folders) {
      const split = part.path.split("/")[0];
      splits.set(split, [...(splits.get(split) ?? []), part]);
    }
    for (const [split, parts] of splits) {
      lines.push({ name: `${split}/` });
      for (const part of parts.slice(0, CLASSES))
        lines.push({ name: part.path.slice(split.length + 1), holds: count(part.files), depth: 1 });
      if (parts.length > CLASSES)
        lines.push({
          name: `… ${many(parts.length - CLASSES, "more class", "more classes")}`,
          depth: 1,
        });
    }
  }
  for (const { path, holds } of format.parts.slice(0, FILES))
    lines.push({ name: path, holds, file: true });
  if (format.parts.length > FILES)
    lines.push({ name: `… ${many(format.parts.length - FILES, "more file")}` });
  return lines;
}

/** @param {Line} one */
const line = ({ name, holds, depth, file }) =>
  h(
    "span",
    { class: `cu-tree-line${file ? " cu-tree-file" : ""}`, "data-depth": depth },
    h("span", { class: "cu-name", title: name }, name),
    holds && h("span", {}, holds),
  );

/** A card; without a plan, which is being counted, it keeps its place. @param {UseState} state
 * @param {Plan | null} plan @param {Format} format @param {Send} send */
function form(state, plan, format, send) {
  const [title, says] = FORMS[format.name] ?? [format.name, ""];
  const chosen = state.formats.includes(format.name);
  const last = chosen && state.formats.length === 1; // an export has at least one form
  const own = format.parts.reduce((sum, part) => sum + part.bytes, 0);
  return h(
    "label",
    { class: `cu-form${chosen ? " cu-chosen" : ""}`, key: format.name, "data-form": format.name },
    h(
      "span",
      { class: "cu-form-head" },
      h("input", {
        type: "checkbox",
        name: `as-${format.name}`,
        checked: chosen,
        disabled: last,
        title: last ? "At least one form is written" : null,
        onchange: (e) => send({ do: "choose", form: format.name, wanted: e.target.checked }),
      }),
      h("strong", {}, title),
    ),
    h("span", { class: "cu-form-says" }, says),
    h("span", { class: "cu-tree" }, plan && tree(plan, format).map(line)),
    h(
      "span",
      { class: "cu-hint" },
      format.has_folders && "the pictures",
      format.has_folders && own > 0 && " + ",
      own > 0 && bytes(own),
    ),
  );
}

/** @param {UseState} state @param {Send} send */
export function dataSet(state, send) {
  const plan = state.plan;
  const written = state.written.export;
  return h(
    "section",
    { class: "cu-use-part", "data-part": "data-set" },
    h(
      "div",
      { class: "cu-use-head" },
      h("h2", {}, "The data set"),
      h(
        "p",
        { "data-part": "plan", role: "status" },
        plan ? plan.sentence : "Counting what would be written…",
      ),
    ),
    h(
      "div",
      { class: "cu-forms" },
      (plan?.formats ?? BLANK).map((each) => form(state, plan, each, send)),
    ),
    h(
      "div",
      { class: "cu-row cu-use-options" },
      state.selection &&
        h(
          "span",
          { class: "cu-chip", key: "selection", "data-chip": "selection" },
          h("span", { class: "cu-name" }, "your selection alone"),
          h(
            "button",
            {
              class: "cu-quiet",
              "aria-label": "Write all images",
              title: "Write all images",
              onclick: () => send({ do: "choose", selection: "" }),
            },
            icon("cross"),
          ),
        ),
      state.versions.length > 0 &&
        !state.selection &&
        h(
          "label",
          {},
          "Version ",
          h(
            "select",
            {
              class: "cu-select",
              name: "version",
              value: state.version,
              onchange: (e) => send({ do: "choose", version: e.target.value }),
            },
            h("option", { value: "" }, "as it is now"),
            state.versions.map((each) =>
              h("option", { key: each.name, value: each.name }, each.name),
            ),
          ),
        ),
      h(
        "label",
        { class: "cu-check" },
        h("input", {
          type: "checkbox",
          name: "link",
          checked: state.link,
          onchange: (e) => send({ do: "choose", link: e.target.checked }),
        }),
        "Link the files instead of copying them, where the disk allows it (read-only then)",
      ),
    ),
    destination(state, send, "export", {
      folder: state.folder,
      title: plan ? `Write ${many(plan.images, "image")}` : "Write",
      ready: plan !== null && plan.images > 0,
      named: {},
    }),
    outcome(state, send, "export", written),
    commands(state.commands.export),
    plan &&
      h(
        "details",
        { key: "card", "data-part": "card" },
        h("summary", {}, "The data set's card (README.md)"),
        markdown(plan.card),
      ),
  );
}
