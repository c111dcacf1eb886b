// @ts-check
// What stands around the map: how it is coloured, the legend that filters, the foot that decides.

import { dataTabs } from "./data_tabs.js";
import { decidingBar } from "./deciding_bar.js";
import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { actions } from "./gallery_foot.js";
import { GRADIENT, UNKNOWN } from "./map_colours.js";
import { badge } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {Cell} from "./data_states" */
/** @import {MapAct, MapState, MapView, Tool} from "./map_states" */

/** @type {[Tool, string, string, string, string][]} tool, key, title, what it does, its shape */
const TOOLS = [
  ["move", "V", "move", "Drag moves the map; with Shift it draws around images", "M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2"], // biome-ignore format: a path
  ["lasso", "A", "lasso", "Draw around images; with Shift or Ctrl they are added", "M5 11c-3-1-4-5-1-7s9-2 10 1-2 6-6 6c-2 0-3 2-1.500 3.500"], // biome-ignore format: a path
  ["box", "B", "box", "Draw a box; with Shift or Ctrl its images are added", "M2.500 3.500h11v9h-11z"], // biome-ignore format: a path
];
const SHOWN_NAMES = /** @type {Record<string, string>} */ ({
  prediction: "predicted class",
  host: "source",
});
/** What the ends of a scale mean, worst last. @type {Record<string, [string, string]>} */
const ENDS = { suspicion: ["label fits", "suspicious"], quality: ["good", "poor"] };

/** @param {string} by */
const titled = (by) =>
  by.startsWith("concept:") ? `concept ${by.slice(8)}` : (SHOWN_NAMES[by] ?? by);

/** How many images are shown, and how many cannot be. @param {MapState} s @param {MapView} view */
function totalled(s, view) {
  const images = many(s.total, "image");
  const said = view.shown < s.total ? `${count(view.shown)} of ${images}` : images;
  return s.unreadable ? `${said}, ${count(s.unreadable)} could not be read` : said;
}

/** @param {MapState} s @param {MapView} view @param {MapAct} act @param {Send} send */
export function head(s, view, act, send) {
  const none = !s.total;
  return h(
    "div",
    { class: "cu-grid-head cu-map-head" },
    h("h1", { class: "cu-hidden" }, "Data"),
    dataTabs("map", send),
    h(
      "select",
      {
        class: "cu-select",
        name: "class",
        "aria-label": "Class",
        value: s.label,
        onchange: (e) => act.label(e.target.value),
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
        name: "by",
        "aria-label": "Colour",
        value: s.by,
        onchange: (e) => act.by(e.target.value),
      },
      s.colours.map((by) => h("option", { value: by, key: by }, `by ${titled(by)}`)),
    ),
    h(
      "div",
      { class: "cu-map-tools", role: "group", "aria-label": "What dragging does" },
      TOOLS.map(([tool, key, title, what, shape]) =>
        h(
          "button",
          {
            class: "cu-map-tool",
            key: tool,
            name: tool,
            "aria-pressed": String(tool === view.tool),
            "aria-label": title,
            title: `${what} (${key})`,
            disabled: none,
            onclick: () => act.tool(tool),
          },
          h(
            "svg",
            { viewBox: "0 0 16 16", class: "cu-icon", "aria-hidden": "true" },
            h("path", { d: shape }),
          ),
        ),
      ),
    ),
    h("span", { class: "cu-hint cu-total" }, !none && totalled(s, view)),
    !none && s.map === "other features" && otherFeatures(s, act),
    s.others > 0 &&
      !none &&
      s.map !== "other features" &&
      h(
        "button",
        {
          class: "cu-button cu-others",
          disabled: s.working,
          onclick: act.make,
          title: "They are placed among the others, which stay where they are",
        },
        s.working ? "Adding…" : `${many(s.others, "image")} came since: add`,
      ),
    h(
      "div",
      { class: "cu-map-zoom", role: "group", "aria-label": "Zoom" },
      [
        /** @type {[string, string, () => void]} */ (["−", "farther", () => act.zoom(-1)]),
        /** @type {[string, string, () => void]} */ (["+", "nearer", () => act.zoom(1)]),
        /** @type {[string, string, () => void]} */ (["all", "whole map", act.fit]),
      ].map(([text, name, go]) =>
        h(
          "button",
          {
            class: "cu-button",
            key: name,
            "aria-label": name,
            title: name,
            disabled: none,
            onclick: go,
          },
          text,
        ),
      ),
    ),
  );
}

/** That the map is of another network than pictures are compared by now, and the way out.
 * @param {MapState} s @param {MapAct} act */
function otherFeatures(s, act) {
  return h(
    "div",
    { class: "cu-map-other", key: "other features", role: "status" },
    h("p", {}, "This map shows the features of another network than the project uses now."),
    h(
      "button",
      { class: "cu-button", name: "anew", disabled: s.working, onclick: act.make },
      s.working ? "Making it…" : "Make it anew",
    ),
  );
}

/** What the colours mean; its lines show and hide. @param {MapState} s @param {MapView} view @param {MapAct} act */
export function legend(s, view, act) {
  const line = (/** @type {string} */ name, /** @type {number} */ code) =>
    view.numbers[code] > 0 &&
    h(
      "button",
      {
        class: "cu-queue-item cu-map-line",
        key: `of ${name}`,
        "data-code": code,
        "aria-pressed": String(!view.hidden.has(code)),
        title: `Show or hide ${name}; a double click shows it alone`,
        onclick: () => act.toggle(code),
        ondblclick: () => act.only(code),
      },
      h(
        "span",
        { class: "cu-facet" },
        h("span", { class: "cu-map-swatch", style: `background:${view.colours[code]}` }),
        h("span", { class: "cu-name" }, name),
      ),
      h("span", { class: "cu-figure" }, count(view.numbers[code])),
    );
  const known = s.total - view.numbers[UNKNOWN];
  return h(
    "nav",
    { class: "cu-queues cu-map-legend", "aria-label": "Colours" },
    h("p", { class: "cu-label" }, titled(s.by)),
    s.names.map(line),
    !s.names.length && known > 0 && scale(s, view, act),
    line(s.by === "suspicion" ? "not judged yet" : "not known", UNKNOWN),
    (view.hidden.size > 0 || view.from > 0) &&
      h("button", { class: "cu-link", key: "all", onclick: () => act.only(-1) }, "show all"),
  );
}

/** @param {MapState} s @param {MapView} view @param {MapAct} act */
function scale(s, view, act) {
  const ends = ENDS[s.by] ?? ["low", "high"];
  return h(
    "div",
    { class: "cu-map-scale", key: "scale" },
    h("span", { class: "cu-map-gradient", style: `background:${GRADIENT}` }),
    h("input", {
      class: "cu-slider",
      key: `from ${s.by}`,
      type: "range",
      min: 0,
      max: 1,
      step: 0.02,
      value: view.from,
      "aria-label": `Show from here to ${ends[1]}`,
      title: `Show from here to ${ends[1]}`,
      oninput: (e) => act.from(Number(e.target.value)),
    }),
    h("div", { class: "cu-map-ends cu-hint" }, h("span", {}, ends[0]), h("span", {}, ends[1])),
  );
}

/** The foot, which never moves. @param {MapState} s @param {MapView} view @param {string} note what was said here last @param {MapAct} act */
export function foot(s, view, note, act) {
  const chosen = view.selected;
  return h(
    "div",
    { class: "cu-grid-foot cu-map-foot" },
    s.deciding
      ? actions({ ...s, can_undo: false, can_redo: false }, 0, act)
      : actions(s, chosen, act),
    h(
      "div",
      { class: "cu-going" },
      h(
        "div",
        { class: "cu-told" },
        h(
          "p",
          { class: "cu-map-share" },
          chosen > 0 && [
            h("strong", {}, `${count(chosen)} selected`),
            view.share && `: ${view.share}`,
          ],
        ),
        decidingBar(s),
        h("p", { class: "cu-status", role: "status", "aria-live": "polite", title: note }, note),
      ),
      h(
        "span",
        { class: "cu-turning" },
        h(
          "button",
          { class: "cu-button", disabled: !view.shown, onclick: chosen ? act.none : act.all },
          chosen ? "select none" : "select all",
        ),
        h(
          "button",
          { class: "cu-button cu-primary", name: "open", disabled: !chosen, onclick: act.open },
          "Open as queue",
          h("kbd", { "aria-hidden": "true" }, "O"),
        ),
      ),
    ),
  );
}

/** Where there is no map to draw, why, and the next step. @param {MapState} s @param {MapAct} act */
export function blank(s, act) {
  if (s.map === "") return h("p", { class: "cu-hint cu-blank", key: "blank" }, "Looking…");
  return h(
    "div",
    { class: "cu-blank cu-map-blank", key: "blank" },
    s.working
      ? h("p", {}, "The map is being made. The bar below says how far it is.")
      : h(
          "p",
          {},
          s.images
            ? "There is no map yet. It puts images near those that look like them: what belongs together can be seen, drawn around, and decided on at once."
            : "There are no images to put on a map yet.",
        ),
    s.images > 0 &&
      !s.working &&
      h(
        "button",
        { class: "cu-button cu-primary", name: "make", onclick: act.make },
        "Make the map",
      ),
  );
}

/** One image, while it is pointed at. @param {Cell | null} cell @param {string | undefined} picture
 * @param {string[]} classes */
export function card(cell, picture, classes) {
  return [
    picture
      ? h("img", { src: picture, alt: "", draggable: "false" })
      : h("span", { class: "cu-no-picture" }),
    cell &&
      h(
        "p",
        {},
        badge(classes, cell.label),
        " ",
        h("strong", {}, cell.label),
        cell.state !== "new" && h("span", { class: "cu-hint" }, ` ${cell.state}`),
      ),
    cell?.predicted &&
      cell.confidence !== null &&
      h(
        "p",
        { class: cell.predicted === cell.label ? "cu-hint" : "cu-map-doubt" },
        `${cell.predicted === cell.label ? "looks like it" : `looks like ${cell.predicted}`} ${Math.round(100 * cell.confidence)} %`,
      ),
  ];
}
