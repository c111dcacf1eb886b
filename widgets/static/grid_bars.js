// @ts-check
// What stands around the grid: classes with counts, the order, the size, and the foot that decides.

import { dataTabs } from "./data_tabs.js";
import { decidingBar } from "./deciding_bar.js";
import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { actions } from "./gallery_foot.js";
import { badge, icon } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {GridState} from "./data_states" */
/** @import {GridAct} from "./grid_keys" */

export const LEAST = 48; // pixels of a tile's side
export const MOST = 320;

const ORDERS = {
  suspicion: "most suspicious",
  newest: "newest",
  size: "largest file",
  source: "source",
};

/** @param {GridState} s @param {Send} send */
const choosing =
  (s, send) =>
  (/** @type {{sort?: string, label?: string, concept?: string, selection?: string}} */ change) => {
    const { sort, label, concept, selection } = s;
    send({ do: "sort", sort, label, concept, selection, ...change });
  };

/** Choosing a few of what is shown. @param {GridState} s @param {Send} send */
function picking(s, send) {
  return h(
    "form",
    {
      class: "cu-pick",
      key: "pick",
      "aria-label": "Pick some",
      onsubmit: (/** @type {SubmitEvent} */ event) => {
        event.preventDefault();
        const given = new FormData(/** @type {HTMLFormElement} */ (event.target));
        const [images, way] = [Number(given.get("images")), String(given.get("way"))];
        send({ do: "pick", number: s.number, images, way });
      },
    },
    h("input", {
      class: "cu-select",
      name: "images",
      type: "number",
      min: 1,
      required: true,
      value: "50",
      "aria-label": "How many to pick",
    }),
    h(
      "select",
      { class: "cu-select", name: "way", "aria-label": "Which to pick" },
      h("option", { value: "typical" }, "typical"),
      h("option", { value: "diverse" }, "diverse"),
      h("option", { value: "random" }, "by chance"),
    ),
    h(
      "button",
      {
        class: "cu-button",
        disabled: !s.total || s.picking,
        title: s.label
          ? "Without near-duplicates"
          : "As many of each class, without near-duplicates",
      },
      s.picking ? "Picking…" : "Pick",
    ),
  );
}

/** The classes at the left. @param {GridState} s @param {Send} send */
export function facets(s, send) {
  const choose = choosing(s, send);
  const item = (
    /** @type {string} */ label,
    /** @type {string} */ title,
    /** @type {number} */ number,
  ) =>
    h(
      "button",
      {
        class: "cu-queue-item",
        key: `of ${label}`,
        "data-facet": label,
        "aria-current": label === s.label ? "true" : null,
        onclick: () => choose({ label }),
      },
      h(
        "span",
        { class: "cu-facet" },
        label && badge(s.classes, label),
        h("span", { class: "cu-name" }, title),
      ),
      h("span", { class: "cu-figure" }, count(number)),
    );
  return h(
    "nav",
    { class: "cu-queues cu-facets", "aria-label": "Classes" },
    item("", "Everything", s.images),
    s.counts.map(([label, number]) => item(label, label, number)),
  );
}

/** @param {GridState} s @param {number} about pixels of a tile @param {Send} send
 * @param {(about: number) => void} resize */
export function head(s, about, send, resize) {
  const choose = choosing(s, send);
  return h(
    "div",
    { class: "cu-grid-head" },
    h("h1", { class: "cu-hidden" }, "Data"),
    dataTabs("grid", send),
    h(
      "select",
      {
        class: "cu-select cu-facet-choice",
        "aria-label": "Class",
        value: s.label,
        onchange: (e) => choose({ label: e.target.value }),
      },
      h("option", { value: "" }, `Everything ${count(s.images)}`),
      s.counts.map(([label, number]) =>
        h("option", { value: label, key: label }, `${label} ${count(number)}`),
      ),
    ),
    h(
      "select",
      {
        class: "cu-select",
        name: "sort",
        "aria-label": "Order",
        value: s.sort,
        onchange: (e) => choose({ sort: e.target.value }),
      },
      s.sorts.map((sort) =>
        h(
          "option",
          { value: sort, key: sort, disabled: sort === "suspicion" && !s.ranked },
          `by ${ORDERS[/** @type {keyof typeof ORDERS} */ (sort)]}`,
        ),
      ),
    ),
    (s.concepts.length > 0 || s.concept) &&
      h(
        "select",
        {
          class: "cu-select",
          name: "concept",
          "aria-label": "Shows",
          value: s.concept,
          onchange: (e) => choose({ concept: e.target.value }),
        },
        h("option", { value: "" }, "shows anything"),
        s.concepts.map((name) => h("option", { value: name, key: name }, `shows ${name}`)),
      ),
    !s.selection && picking(s, send),
    s.selection &&
      h(
        "span",
        { class: "cu-chip", key: "selection", "data-chip": "selection" },
        h("span", { class: "cu-name" }, "your selection"),
        h(
          "button",
          {
            class: "cu-quiet",
            "aria-label": "Leave this selection",
            title: "Leave this selection",
            onclick: () => choose({ selection: "" }),
          },
          icon("cross"),
        ),
      ),
    h("span", { class: "cu-hint cu-total" }, s.opening ? "Sorting…" : many(s.total, "image")),
    s.others > 0 &&
      h(
        "button",
        { class: "cu-button cu-others", onclick: () => choose({}) },
        `Show ${count(s.others)} new`,
      ),
    h("input", {
      class: "cu-slider",
      type: "range",
      min: LEAST,
      max: MOST,
      step: 8,
      value: about,
      "aria-label": "Size of the pictures",
      oninput: (e) => resize(Number(e.target.value)),
    }),
  );
}

/** The foot, which never moves. @param {GridState} s @param {number} chosen images
 * @param {Omit<GridAct, "move" | "look" | "larger">} act */
export function foot(s, chosen, act) {
  return h(
    "div",
    { class: "cu-grid-foot" },
    s.deciding
      ? actions({ ...s, can_undo: false, can_redo: false }, 0, act)
      : actions(s, s.total, act),
    h(
      "div",
      { class: "cu-going" },
      h(
        "div",
        { class: "cu-told" },
        decidingBar(s),
        h(
          "p",
          { class: "cu-status", role: "status", "aria-live": "polite", title: s.status },
          chosen ? `${count(chosen)} selected. ${s.status}` : s.status,
        ),
      ),
      h(
        "span",
        { class: "cu-turning" },
        h(
          "button",
          { class: "cu-button", disabled: !s.total, onclick: chosen ? act.none : act.all },
          chosen ? "select none" : "select all",
        ),
        (chosen > 0 || s.selection) && [
          h("button", { class: "cu-button", key: "export", onclick: act.export }, "Export"),
          h(
            "button",
            { class: "cu-button cu-primary", key: "open", name: "open", onclick: act.queue },
            "Open as queue",
            h("kbd", { "aria-hidden": "true" }, "O"),
          ),
        ],
      ),
    ),
  );
}
