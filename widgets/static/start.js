// @ts-check
// No project yet: paste and make one, open one, or try the sample.

import { drawn, h } from "./drawing.js";
import { many } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { holding } from "./held_pictures.js";
import { problem } from "./marks.js";

/** @import {Child, Context, Send} from "./types" */
/** @import {PicturesMessage} from "./review_states" */
/** @import {Card, StartState} from "./states" */

const DAY = 24 * 3600 * 1000; // milliseconds

/** How long ago, in days and months; as text. @param {string} time ISO 8601 @param {number} now */
export function ago(time, now) {
  const days = Math.floor(now / DAY) - Math.floor(Date.parse(time) / DAY);
  if (Number.isNaN(days)) return "";
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  return days < 60 ? words.format(-days, "day") : words.format(-Math.round(days / 30.4), "month");
}

/** The way from addresses to a model, in three small drawings. */
function theWay() {
  const lines = (/** @type {number} */ x) =>
    [12, 20, 28].map((y) => h("line", { x1: x, x2: x + 18, y1: y, y2: y }));
  const tiles = (/** @type {number} */ x, /** @type {string} */ mark) => [
    h("rect", { x, y: 8, width: 11, height: 11, rx: 2 }),
    h("rect", { x: x + 14, y: 8, width: 11, height: 11, rx: 2 }),
    h("rect", { x, y: 22, width: 11, height: 11, rx: 2 }),
    h("path", { d: mark, class: "cu-way-mark" }),
  ];
  /** @type {[string, Child[]][]} */
  const steps = [
    ["Paste addresses, get pictures", [lines(4), h("path", { d: "M27 20h7" }), tiles(39, "")]],
    ["Clean what is wrong, by looking", tiles(20, "M35 23l9 9M44 23l-9 9")],
    ["Use the set and its classifier", tiles(20, "M34 28l4 4 7-9")],
  ];
  return h(
    "ol",
    { class: "cu-way" },
    steps.map(([words, shapes]) =>
      h("li", {}, h("svg", { viewBox: "0 0 68 40", "aria-hidden": "true" }, shapes), words),
    ),
  );
}

/** @param {{name: string, path: string, opened: string}} item @param {Card | undefined} card
 * @param {Map<number, string>} pictures @param {Send} send */
function projectCard(item, card, pictures, send) {
  const classes = card?.classes ?? [];
  const holds = card?.problem
    ? ""
    : card && `${many(card.images ?? 0, "image")}, ${many(classes.length, "class", "classes")}`;
  return h(
    "li",
    { key: item.path },
    h(
      "button",
      { class: "cu-open", title: item.path, onclick: () => send({ do: "open", path: item.path }) },
      h(
        "span",
        { class: "cu-strip cu-four" },
        [0, 1, 2, 3].map((place) => {
          const source = pictures.get(card?.pictures?.[place] ?? -1);
          return source
            ? h("img", { key: source, src: source, alt: "", draggable: "false" })
            : h("span", { class: "cu-no-picture" });
        }),
      ),
      h("strong", { class: "cu-name" }, item.name),
      h(
        "span",
        { class: "cu-hint" },
        [holds, ago(item.opened, Date.now())].filter(Boolean).join(" · "),
      ),
      card?.working && h("span", { class: "cu-works" }, card.working),
      card?.problem && h("span", { class: "cu-error" }, card.problem),
      h("span", { class: "cu-path" }, item.path),
    ),
  );
}

/** @param {StartState} state @param {Send} send */
function makeOne(state, send) {
  return h(
    "section",
    { class: "cu-card cu-make" },
    h("h1", {}, "New project"),
    h(
      "form",
      { onsubmit: (e) => send({ do: "create", ...fieldsOf(e) }) },
      h(
        "label",
        {},
        "Paste addresses of images, or add them later",
        h("textarea", {
          name: "addresses",
          class: "cu-paste",
          rows: 5,
          autofocus: true,
          placeholder: "https://example.org/black-bear.jpg\n…",
          spellcheck: "false",
        }),
      ),
      h(
        "label",
        {},
        "What they show: a class, and others one a line or with commas between",
        h("textarea", {
          name: "classes",
          rows: 3,
          placeholder: "black\ngrizzly\nteddy",
          spellcheck: "false",
        }),
      ),
      h(
        "label",
        {},
        "Name",
        h("input", {
          name: "name",
          placeholder: "like the classes",
          autocomplete: "off",
        }),
      ),
      h(
        "details",
        { class: "cu-more" },
        h("summary", {}, "Folder and signature"),
        h(
          "label",
          {},
          "Folder for projects",
          h("input", {
            name: "folder",
            value: state.home,
            autocomplete: "off",
            spellcheck: "false",
          }),
        ),
        h(
          "label",
          {
            title:
              "Every decision says by whom it was made; the log of the review can change the name",
          },
          "Your name, to sign decisions with",
          h("input", {
            name: "reviewer",
            value: state.reviewer,
            autocomplete: "name",
            maxlength: 80,
          }),
        ),
      ),
      problem(state.errors.create),
      h(
        "div",
        { class: "cu-row" },
        h("button", { class: "cu-button cu-primary", type: "submit" }, "Make the project"),
        h(
          "button",
          { class: "cu-link", type: "button", onclick: () => send({ do: "sample" }) },
          "try it with the sample",
        ),
      ),
    ),
  );
}

/** @param {StartState} state @param {Map<number, string>} pictures @param {Send} send */
function openOne(state, pictures, send) {
  return h(
    "section",
    { class: "cu-card cu-grow" },
    h("h1", {}, "Open a project"),
    state.recent.length === 0 &&
      h("p", { class: "cu-hint" }, "Projects that you open are listed here."),
    h(
      "ul",
      { class: "cu-recent" },
      state.recent.map((item) => projectCard(item, state.cards[item.path], pictures, send)),
    ),
    h(
      "form",
      { onsubmit: (e) => send({ do: "open", ...fieldsOf(e) }) },
      h(
        "label",
        {},
        "Folder of a project",
        h("input", { name: "path", required: true, autocomplete: "off", spellcheck: "false" }),
      ),
      problem(state.errors.open),
      h("button", { class: "cu-button", type: "submit" }, "Open"),
    ),
  );
}

export default {
  /** @param {Context<StartState, PicturesMessage>} context */
  render({ model, el }) {
    const held = holding(model, () => redraw());
    const { redraw, end } = drawn(model, el, (state, send) =>
      h(
        "div",
        { class: "cu-panel cu-start" },
        theWay(),
        makeOne(state, send),
        openOne(state, held.pictures, send),
      ),
    );
    held.ask();
    return () => {
      held.end();
      end();
    };
  },
};
