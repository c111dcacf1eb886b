// @ts-check
// The gallery's head: the queue, what narrows it, and the size of the tiles.

import { CONCEPT, naming } from "./concept_bar.js";
import { h } from "./drawing.js";
import { count } from "./figures.js";
import { icon } from "./marks.js";

/** @import {Act, Concept, Filters, GalleryState, QueueKind, TileSize, Ui} from "./review_states" */

export const SIZES = { S: 100, M: 148, L: 232 }; // pixels: about the width of a tile
export const UNFILTERED = {
  split: "",
  host: "",
  tag: "",
  issue: "",
  finding: "",
  text: "",
  concept: "",
};
export const NAMES = /** @type {TileSize[]} */ (Object.keys(SIZES));

/** The groups of the queue menu, in their order. @param {QueueKind[]} queues */
function grouped(queues) {
  /** @type {Map<string, QueueKind[]>} */
  const groups = new Map();
  for (const queue of queues) groups.set(queue.group, [...(groups.get(queue.group) ?? []), queue]);
  return [...groups];
}

/** The queues that matter first, in their order; those of images without a label where there are any. */
const UNLABELLED = ["label next", "surest", "strangest"];
const FIRST = [...UNLABELLED, "suspicious", "duplicates", "outliers", "two classes"];

const isShown = (/** @type {GalleryState} */ s, /** @type {string} */ concept) =>
  s.kind === CONCEPT && s.filters.like.toLowerCase() === concept.toLowerCase();

/** About how many show it, or how many were marked so. @param {Concept} one */
const figureOf = (one) => (one.images === null ? count(one.yes) : `~${count(one.images)}`);

/** The queues with their counts, at the left of the images. @param {GalleryState} s @param {Ui} ui @param {Act} act */
export function queueList(s, ui, act) {
  const item = (/** @type {QueueKind} */ queue) =>
    h(
      "button",
      {
        class: "cu-queue-item",
        key: queue.kind,
        "data-queue": queue.kind,
        "aria-current": queue.kind === s.kind ? "true" : null,
        title: queue.title,
        onclick: () => act.open(queue.kind),
      },
      h("span", { class: "cu-name" }, queue.title),
      s.counts[queue.kind] !== undefined &&
        h("span", { class: "cu-figure" }, count(s.counts[queue.kind])),
    );
  const waiting = Boolean(s.counts["label next"]) || UNLABELLED.includes(s.kind);
  const shown = s.queues.filter(({ kind }) => waiting || !UNLABELLED.includes(kind));
  const first = FIRST.flatMap((kind) => shown.filter((queue) => queue.kind === kind));
  const rest = shown.filter((queue) => !FIRST.includes(queue.kind));
  const concept = (/** @type {Concept} */ one) =>
    h(
      "button",
      {
        class: "cu-queue-item",
        key: `concept ${one.name}`,
        "data-concept": one.name,
        "aria-current": isShown(s, one.name) ? "true" : null,
        title: one.sentence,
        onclick: () => act.open(CONCEPT, one.name),
      },
      h("span", { class: "cu-name" }, one.name),
      h("span", { class: "cu-figure" }, figureOf(one)),
    );
  const likeOne = h(
    "button",
    {
      class: "cu-queue-item",
      key: "like a picture",
      title: "By words, or like a picture that is none of the project's",
      onclick: act.likePicture,
    },
    "Find…",
  );
  const more = ui.more || rest.some((queue) => queue.kind === s.kind);
  return h(
    "nav",
    { class: "cu-queues", "aria-label": "Queues" },
    h("h2", {}, "Start here"),
    first.map(item),
    likeOne,
    s.concepts.length > 0 && h("h3", { key: "concepts" }, "Concepts"),
    s.concepts.map(concept),
    h(
      "button",
      { class: "cu-queue-item cu-more-queues", "aria-expanded": String(more), onclick: act.more },
      more ? "More ▾" : "More ▸",
    ),
    more &&
      grouped(rest).map(([group, queues]) => [h("h3", { key: group }, group), queues.map(item)]),
  );
}

/** @param {string} name @param {string} title @param {string} value @param {string[][]} options @param {(value: string) => void} choose */
function choice(name, title, value, options, choose) {
  const known = options.some(([key]) => key === value);
  return h(
    "label",
    { key: name }, // what opens later beside it must not take over its element, which may be open
    `${title} `,
    h(
      "select",
      { class: "cu-select", name, value, onchange: (e) => choose(e.target.value) },
      !known && value && h("option", { value, selected: true }, value),
      options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
    ),
  );
}

/** What narrows the queue and was chosen elsewhere, each with what removes it. @param {Filters} f @param {Act} act */
function chips(f, act) {
  const cell = f.label ? `${f.label} taken for ${f.predicted}` : `predicted ${f.predicted}`;
  /** @type {[string, string, string][]} filter, words, what removing it is called */
  const all = [
    ["predicted", cell, "Leave this cell"],
    ["selection", "your selection", "Leave this selection"],
  ];
  return all
    .filter(([name]) => f[/** @type {keyof Filters} */ (name)])
    .map(([name, words, leave]) =>
      h(
        "span",
        { class: "cu-chip", key: name, "data-chip": name },
        h("span", { class: "cu-name" }, words),
        h(
          "button",
          {
            class: "cu-quiet",
            "aria-label": leave,
            title: leave,
            onclick: () => act.narrow({ [name]: "" }),
          },
          icon("cross"),
        ),
      ),
    );
}

/** The queue, what narrows it, and the size of the tiles. @param {GalleryState} s @param {Ui} ui @param {Act} act */
export function queueBar(s, ui, act) {
  const f = s.filters;
  const number = [f.split, f.host, f.tag, f.issue, f.finding, f.text, f.concept].filter(
    Boolean,
  ).length;
  const shown = s.kind === CONCEPT ? `${CONCEPT}:${f.like}` : s.kind;
  const listed =
    s.queues.some((queue) => queue.kind === s.kind) || s.concepts.some((c) => isShown(s, c.name));
  const some = (/** @type {string} */ all, /** @type {string[][]} */ rest) => [["", all], ...rest];
  return h(
    "div",
    { class: "cu-queue" },
    h(
      "div",
      { class: "cu-row" },
      h("h1", {}, s.title || "Review"),
      naming(s, act),
      s.asked.length > 0 &&
        h(
          "span",
          { class: "cu-asked", role: "img", "aria-label": "What they are compared with" },
          s.asked.map((id) =>
            ui.pictures.has(id)
              ? h("img", { key: id, src: ui.pictures.get(id), alt: "", draggable: "false" })
              : h("span", { key: id }),
          ),
        ),
      h(
        "p",
        { class: "cu-hint cu-meaning", title: s.meaning },
        `${count(s.total)} in queue · ${count(s.seen)} seen · ${s.meaning}`,
      ),
      h(
        "label",
        { class: "cu-narrow" },
        "Queue ",
        h(
          "select",
          {
            class: "cu-select",
            name: "queue",
            value: shown,
            onchange: (e) => {
              const [kind, ...name] = e.target.value.split(":");
              if (kind) act.open(kind, name.join(":"));
              else act.likePicture();
              e.target.value = shown; // until the other is open
            },
          },
          !listed && h("option", { value: shown, selected: true }, s.title),
          s.concepts.length > 0 &&
            h(
              "optgroup",
              { label: "Concepts" },
              s.concepts.map((one) =>
                h(
                  "option",
                  { value: `${CONCEPT}:${one.name}`, selected: isShown(s, one.name) },
                  `${one.name} · ${figureOf(one)}`,
                ),
              ),
            ),
          grouped(s.queues).map(([group, queues]) =>
            h(
              "optgroup",
              { label: group },
              queues.map((q) =>
                h(
                  "option",
                  { value: q.kind, selected: q.kind === s.kind },
                  s.counts[q.kind] === undefined
                    ? q.title
                    : `${q.title} · ${count(s.counts[q.kind])}`,
                ),
              ),
            ),
          ),
          h("option", { value: "" }, "Find…"),
        ),
      ),
      choice(
        "class",
        "Class",
        f.label,
        some(
          "all",
          s.classes.map((name) => [name, name]),
        ),
        (label) => act.narrow({ label }),
      ),
      h(
        "button",
        {
          class: "cu-button",
          "aria-expanded": String(ui.filters || number > 0),
          onclick: act.filters,
        },
        number ? `Filters · ${number}` : "Filters",
      ),
      chips(f, act),
      h(
        "span",
        { class: "cu-sizes", role: "group", "aria-label": "Size of the images" },
        NAMES.map((size) =>
          h(
            "button",
            {
              class: "cu-quiet",
              key: size,
              "aria-pressed": String(s.size === size),
              title: `Size ${size}`,
              onclick: () => act.size(size),
            },
            size,
          ),
        ),
        h(
          "button",
          {
            class: "cu-quiet",
            "aria-pressed": String(ui.whole),
            title: "Show whole images, or let them fill their tiles",
            onclick: act.whole,
          },
          "whole",
        ),
        h(
          "button",
          { class: "cu-quiet", "aria-label": "Keys", title: "Keys (?)", onclick: act.help },
          "?",
        ),
      ),
      h(
        "button",
        {
          class: "cu-button cu-drawer",
          "aria-expanded": String(ui.drawer),
          title: "Confusion matrix, before and after, suggested fixes, classes, log",
          onclick: act.drawer,
        },
        ui.drawer ? "Matrix, fixes ›" : "‹ Matrix, fixes",
      ),
    ),
    (ui.filters || number > 0) &&
      h(
        "div",
        { class: "cu-row cu-filters", role: "group", "aria-label": "Filters" },
        h(
          "label",
          {},
          "Text ",
          h("input", {
            type: "search",
            name: "text",
            value: f.text,
            placeholder: "in address or file name",
            onchange: (e) => act.narrow({ text: e.target.value.trim() }),
          }),
        ),
        choice(
          "split",
          "Split",
          f.split,
          some("all", [
            ["train", "training"],
            ["valid", "validation"],
            ["test", "test"],
          ]),
          (split) => act.narrow({ split }),
        ),
        (s.choices.hosts.length > 0 || f.host) &&
          choice(
            "host",
            "Source",
            f.host,
            some(
              "any",
              s.choices.hosts.map(([host, n]) => [host, `${host} · ${count(n)}`]),
            ),
            (host) => act.narrow({ host }),
          ),
        (s.choices.tags.length > 0 || f.tag) &&
          choice(
            "tag",
            "Looks like",
            f.tag,
            some(
              "anything",
              s.choices.tags.map(([tag, n]) => [tag, `${tag.split(",")[0]} · ${count(n)}`]),
            ),
            (tag) => act.narrow({ tag }),
          ),
        (s.concepts.length > 0 || f.concept) &&
          choice(
            "concept",
            "Shows",
            f.concept,
            some(
              "anything",
              s.concepts.map((one) => [one.name, `${one.name} · ${figureOf(one)}`]),
            ),
            (concept) => act.narrow({ concept }),
          ),
        s.kind === "problems" &&
          choice("issue", "Problem", f.issue, some("any", s.choices.issues), (issue) =>
            act.narrow({ issue }),
          ),
        f.finding &&
          choice(
            "finding",
            "Found by the check",
            f.finding,
            some("any", [[f.finding, f.finding.replace(/^is_|_issue$/g, "").replaceAll("_", " ")]]),
            (finding) => act.narrow({ finding }),
          ),
        number > 0 && h("button", { class: "cu-button", onclick: act.unfiltered }, "Clear filters"),
      ),
  );
}
