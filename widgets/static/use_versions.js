// @ts-check
// Versions of the data set: giving one a name, the list, and what differs between two, in pictures.

import { copyable } from "./clipboard.js";
import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { badge, problem } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {Change, Difference, UseState} from "./use_states" */

const TITLES = /** @type {Record<Change, string>} */ ({
  added: "Added",
  deleted: "Deleted",
  relabelled: "Relabelled",
  split: "Changed the split",
});

/** What differs, in a sentence. @param {Difference} found */
export function difference(found) {
  const of = `from ${found.before} to ${found.after === "now" ? "the data set of today" : found.after}`;
  if (found.kinds.length === 0) return `Nothing differs ${of}.`;
  const parts = found.kinds.map(({ kind, count: number }) =>
    kind === "split" ? `${count(number)} changed the split` : `${count(number)} ${kind}`,
  );
  return `${parts.join(", ")} ${of}.`;
}

/** @param {UseState} state @param {Difference["kinds"][number]} kind @param {Map<number, string>} pictures */
function changes(state, kind, pictures) {
  const words = (/** @type {string} */ name) => [
    kind.kind !== "split" && badge(state.names, name),
    " ",
    h("span", {}, name),
  ];
  return h(
    "div",
    { key: kind.kind, "data-change": kind.kind },
    h("h3", {}, `${TITLES[kind.kind]} `, h("span", { class: "cu-hint" }, count(kind.count))),
    h(
      "div",
      { class: "cu-changes" },
      kind.changes.map((row) =>
        h(
          "figure",
          { key: row.image_id },
          pictures.has(row.image_id)
            ? h("img", {
                src: pictures.get(row.image_id),
                alt: [row.before, row.after].filter(Boolean).join(" to "),
              })
            : h("span", { class: "cu-skeleton" }),
          h(
            "figcaption",
            {},
            row.before && h("span", { class: row.after ? "cu-was" : null }, words(row.before)),
            row.before && row.after && " → ",
            row.after && h("span", {}, words(row.after)),
          ),
        ),
      ),
    ),
    kind.count > kind.changes.length &&
      h(
        "p",
        { class: "cu-hint" },
        `and ${count(kind.count - kind.changes.length)} more; the command lists all.`,
      ),
  );
}

/**
 * @param {UseState} state @param {Send} send @param {Map<number, string>} pictures
 * @param {{before: string, after: string}} chosen @param {() => void} redraw
 */
export function versions(state, send, pictures, chosen, redraw) {
  const names = state.versions.map((each) => each.name);
  if (!names.includes(chosen.before)) chosen.before = names[0] ?? "";
  if (!["now", ...names].includes(chosen.after)) chosen.after = "now";
  const choice = (
    /** @type {string} */ title,
    /** @type {"before" | "after"} */ side,
    /** @type {string[]} */ options,
  ) =>
    h(
      "label",
      {},
      `${title} `,
      h(
        "select",
        {
          class: "cu-select",
          name: side,
          value: chosen[side],
          onchange: (e) => {
            chosen[side] = e.target.value;
            redraw();
          },
        },
        options.map((name) => h("option", { key: name, value: name }, name)),
      ),
    );
  return h(
    "section",
    { class: "cu-use-part", "data-part": "versions" },
    h(
      "div",
      { class: "cu-use-head" },
      h("h2", {}, "Versions"),
      h(
        "p",
        {},
        "Give the data set of today a name: it can be written again, byte for byte, and compared.",
      ),
    ),
    h(
      "form",
      { class: "cu-destination", onsubmit: (e) => send({ do: "tag", ...fieldsOf(e) }) },
      h(
        "label",
        {},
        "Name",
        h("input", {
          key: names.length, // a new field after each version
          name: "name",
          required: true,
          placeholder: `v${names.length + 1}`,
          spellcheck: "false",
          autocomplete: "off",
        }),
      ),
      h("button", { class: "cu-button", type: "submit", disabled: !state.can_write }, "Tag it"),
      problem(state.errors.tag),
    ),
    names.length > 0 &&
      h(
        "div",
        { class: "cu-scroll", key: "list" },
        h(
          "table",
          { class: "cu-table", "data-part": "version-list" },
          h(
            "tbody",
            {},
            state.versions.map((each) =>
              h(
                "tr",
                { key: each.name },
                h("th", { scope: "row" }, each.name),
                h("td", {}, each.at.slice(0, 10)),
                h("td", {}, many(each.images, "image")),
                h("td", {}, each.by),
                h(
                  "td",
                  {},
                  h(
                    "button",
                    {
                      class: "cu-link",
                      type: "button",
                      onclick: () => {
                        send({ do: "choose", version: each.name });
                        document
                          .querySelector("[data-part=data-set]")
                          ?.scrollIntoView({ block: "start" });
                      },
                    },
                    "Write this one",
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    names.length > 0 &&
      h(
        "form",
        {
          class: "cu-row",
          key: "compare",
          onsubmit: (e) => {
            e.preventDefault();
            send({ do: "compare", ...chosen });
          },
        },
        choice("From", "before", names),
        choice("to", "after", ["now", ...names]),
        h(
          "button",
          { class: "cu-button", type: "submit", disabled: state.comparing },
          state.comparing ? "Comparing…" : "What differs?",
        ),
      ),
    problem(state.errors.diff),
    state.diff &&
      h(
        "div",
        { key: "diff", "data-part": "diff" },
        h("p", { role: "status" }, difference(state.diff)),
        state.diff.kinds.map((kind) => changes(state, kind, pictures)),
        state.commands.diff && copyable(state.commands.diff, "Copy the command"),
      ),
  );
}
