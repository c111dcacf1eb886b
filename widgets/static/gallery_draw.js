// @ts-check
// What the gallery looks like: the queue and its filters, a tile, the decisions, the keys. Drawing
// only: `act` holds what can be done.

import { h } from "./drawing.js";
import { count, percent } from "./figures.js";
import { badge, icon } from "./marks.js";

/** @typedef {{focus: number, anchor: number, selected: Set<number>, help: boolean, filters: boolean, zoom: any, relabel: any, waiting: boolean, columns: number, pictures: Map<number, string>, drawn: Map<number, string>}} Ui */

export const SIZES = { S: 100, M: 148, L: 232 }; // pixels: about the width of a tile
const MARKS = { kept: "kept", deleted: "deleted", unsure: "unsure", several: "several classes", none: "no class", new: "" };

/** The groups of the queue menu, in their order. @param {any[]} queues */
function grouped(queues) {
  /** @type {Map<string, any[]>} */
  const groups = new Map();
  for (const queue of queues) groups.set(queue.group, [...(groups.get(queue.group) ?? []), queue]);
  return [...groups];
}

/** @param {string} name @param {string} title @param {string} value @param {any[][]} options @param {(value: string) => void} choose */
function choice(name, title, value, options, choose) {
  const known = options.some(([key]) => key === value);
  return h("label", {}, `${title} `, h("select", { class: "cu-select", name, value, onchange: (/** @type {any} */ e) => choose(e.target.value) },
    !known && value && h("option", { value, selected: true }, value),
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text))));
}

/** The queue, what narrows it, and the size of the tiles. @param {any} s @param {Ui} ui @param {any} act */
export function queueBar(s, ui, act) {
  const f = s.filters;
  const number = ["split", "host", "tag", "issue", "text"].filter((name) => f[name]).length;
  const some = (/** @type {string} */ all, /** @type {any[][]} */ rest) => [["", all], ...rest];
  return h("div", { class: "cu-queue" },
    h("div", { class: "cu-row" },
      h("h1", {}, "Review"),
      h("label", {}, "Queue ", h("select", { class: "cu-select", name: "queue", value: s.kind, onchange: (/** @type {any} */ e) => act.open(e.target.value) },
        grouped(s.queues).map(([group, queues]) => h("optgroup", { label: group }, queues.map((q) =>
          h("option", { value: q.kind, selected: q.kind === s.kind }, s.counts[q.kind] === undefined ? q.title : `${q.title} · ${count(s.counts[q.kind])}`)))))),
      choice("class", "Class", f.label, some("all", s.classes.map((/** @type {string} */ name) => [name, name])), (label) => act.narrow({ label })),
      h("button", { class: "cu-button", "aria-expanded": String(ui.filters || number > 0), onclick: act.filters }, number ? `Filters · ${number}` : "Filters"),
      f.predicted && h("span", { class: "cu-chip" }, h("span", { class: "cu-name" }, f.label ? `${f.label} taken for ${f.predicted}` : `predicted ${f.predicted}`),
        h("button", { class: "cu-quiet", "aria-label": "Leave this cell", onclick: () => act.narrow({ predicted: "" }) }, icon("cross"))),
      h("span", { class: "cu-sizes", role: "group", "aria-label": "Size of the images" }, Object.keys(SIZES).map((size) =>
        h("button", { class: "cu-quiet", key: size, "aria-pressed": String(s.size === size), title: `Size ${size}`, onclick: () => act.size(size) }, size)),
      h("button", { class: "cu-quiet", "aria-label": "Keys", title: "Keys (?)", onclick: act.help }, "?"))),
    (ui.filters || number > 0) && h("div", { class: "cu-row cu-filters", role: "group", "aria-label": "Filters" },
      h("label", {}, "Text ", h("input", { type: "search", name: "text", value: f.text, placeholder: "in address or file name", onchange: (/** @type {any} */ e) => act.narrow({ text: e.target.value.trim() }) })),
      choice("split", "Split", f.split, some("both", [["train", "training"], ["valid", "validation"]]), (split) => act.narrow({ split })),
      (s.choices.hosts.length > 0 || f.host) && choice("host", "Source", f.host, some("any", s.choices.hosts.map((/** @type {any} */ [host, n]) => [host, `${host} · ${count(n)}`])), (host) => act.narrow({ host })),
      (s.choices.tags.length > 0 || f.tag) && choice("tag", "Looks like", f.tag, some("anything", s.choices.tags.map((/** @type {any} */ [tag, n]) => [tag, `${tag.split(",")[0]} · ${count(n)}`])), (tag) => act.narrow({ tag })),
      s.kind === "problems" && choice("issue", "Problem", f.issue, some("any", s.choices.issues), (issue) => act.narrow({ issue })),
      number > 0 && h("button", { class: "cu-button", onclick: act.unfiltered }, "Clear filters")),
    h("p", { class: "cu-hint cu-meaning" }, `${count(s.total)} in queue · ${count(s.seen)} seen · ${s.meaning}`));
}

/** What happened to an image, in a word. @param {any} item */
export function markOf(item) {
  return item.relabelled ? "relabelled" : MARKS[/** @type {"new"} */ (item.state)];
}

/** @param {any} item @param {number} place @param {any} s @param {Ui} ui @param {any} act */
export function tileOf(item, place, s, ui, act) {
  // All that its drawing depends on: most tiles of a page stay as they are when a key is pressed.
  const memo = JSON.stringify([item, place, place === ui.focus, ui.selected.has(item.id), ui.pictures.has(item.id), s.offset, s.total, s.classes.indexOf(item.label)]);
  const known = ui.drawn.get(item.id) === memo;
  ui.drawn.set(item.id, memo);
  if (known) return h("div", { key: item.id, memo });
  const differs = item.predicted && item.predicted !== item.label;
  const mark = markOf(item);
  const flags = item.flags.filter((/** @type {string} */ flag) => flag !== "flagged");
  const spoken = [`${s.offset + place + 1}: ${item.label}`, differs && `predicted ${item.predicted} ${percent(item.confidence, 0)}`, item.split === "valid" && "validation image", ...flags, item.note, mark]
    .filter(Boolean).join(", ");
  return h("div", {
    class: `cu-tile cu-is-${item.state}`, key: item.id, memo, role: "option", id: `cu-tile-${item.id}`, "data-place": place, "data-id": item.id, "data-band": item.band,
    tabindex: place === ui.focus ? 0 : -1, "aria-selected": String(ui.selected.has(item.id)), "aria-label": spoken,
    "aria-setsize": s.total, "aria-posinset": s.offset + place + 1,
    onclick: (/** @type {MouseEvent} */ e) => act.clicked(e, place), ondblclick: () => act.look(place),
    onfocus: () => act.focused(place),
  },
  h("div", { class: "cu-picture" },
    ui.pictures.has(item.id) ? h("img", { src: ui.pictures.get(item.id), alt: "", draggable: "false", decoding: "sync" }) : h("span", { class: "cu-skeleton" }),
    item.split === "valid" && h("span", { class: "cu-flag", title: "Validation image" }, "V"),
    flags.length > 0 && h("span", { class: "cu-flag cu-flag-right", title: flags.join(", ") }, flags.length === 1 ? flags[0] : `${flags[0]} +${flags.length - 1}`),
    mark && h("span", { class: "cu-mark" }, mark)),
  h("div", { class: "cu-label", title: item.label }, badge(s.classes, item.label), h("span", { class: "cu-name" }, item.label),
    item.loss !== null && h("span", { class: "cu-loss", title: `loss ${item.loss.toFixed(2)} nats${item.in_sample ? ", in-sample" : ", out-of-fold"}` }, item.loss.toFixed(2))),
  h("div", { class: "cu-says" }, differs
    ? [h("span", { class: "cu-name", title: `predicted: ${item.predicted}` }, "▸ ", item.predicted), h("span", { class: "cu-confidence" }, percent(item.confidence, 0))]
    : h("span", { class: "cu-name" }, item.predicted ? "agrees" : "no score yet")),
  item.note && h("div", { class: "cu-note cu-name", title: item.note }, item.note));
}

/** The decisions, as buttons. @param {any} s @param {Ui} ui @param {any} act */
export function decisions(s, ui, act) {
  const idle = !s.tiles.length;
  const button = (/** @type {string} */ key, /** @type {string} */ text, /** @type {() => void} */ todo, /** @type {boolean} */ off = idle, /** @type {string} */ title = text) =>
    h("button", { class: "cu-button", key: text, onclick: todo, disabled: off, title }, h("kbd", { "aria-hidden": "true" }, key), text);
  return [
    button("K", "keep", () => act.decide("keep"), idle, "The label is right"),
    button("D", "delete", () => act.decide("delete"), idle, "Leave it out; undo brings it back"),
    s.classes.slice(0, 9).map((/** @type {string} */ name) =>
      h("button", { class: "cu-button cu-relabel", key: `class ${name}`, title: `Relabel as ${name}`, disabled: idle, onclick: () => act.decide("relabel", name) },
        badge(s.classes, name), h("span", { class: "cu-name" }, name))),
    button("R", s.classes.length > 9 ? "other…" : "class…", act.relabel, idle, "Relabel by typing a class, or a new one"),
    button("X", "unsure", () => act.decide("unsure"), idle, "Look at it again later"),
    button("N", "no class", () => act.decide("none"), idle, "It shows none of the classes: left out"),
    button("M", "several", () => act.decide("several"), idle, "It shows more than one class: left out"),
  ];
}

/** The foot: decisions, undo, the way on, advice. @param {any} s @param {Ui} ui @param {any} act */
export function footOf(s, ui, act) {
  const last = s.offset + s.tiles.length >= s.total;
  const number = ui.selected.size;
  return h("div", { class: "cu-foot" },
    h("div", { class: s.classes.length > 5 ? "cu-actions cu-many" : "cu-actions", role: "toolbar", "aria-label": "Decisions" }, decisions(s, ui, act)),
    h("div", { class: "cu-going" },
      h("button", { class: "cu-button", key: "undo", disabled: !s.can_undo, onclick: act.undo }, h("kbd", { "aria-hidden": "true" }, "U"), "undo"),
      h("button", { class: "cu-button", key: "redo", disabled: !s.can_redo, onclick: act.redo }, h("kbd", { "aria-hidden": "true" }, "Y"), "redo"),
      h("p", { class: "cu-status", role: "status", "aria-live": "polite", title: s.status }, number ? `${number} selected. ${s.status}` : s.status),
      h("span", { class: "cu-turning" },
        h("button", { class: "cu-button", onclick: () => act.turn(-1), disabled: s.offset === 0, "aria-label": "Previous page" }, "‹"),
        h("span", { class: "cu-hint cu-where" }, s.total ? `${count(s.offset + 1)}–${count(s.offset + s.tiles.length)} of ${count(s.total)}` : ""),
        h("button", { class: "cu-button", onclick: () => act.turn(1), disabled: last, "aria-label": "Next page" }, "›"),
        h("button", { class: "cu-button cu-primary", onclick: act.rest, disabled: !s.tiles.length, title: "Keep what is undecided on this page, and go on" },
          h("kbd", { "aria-hidden": "true" }, "↵"), "page ok"))),
    h("p", { class: s.advice?.stop ? "cu-advice cu-stop" : "cu-advice", title: s.advice?.why },
      s.advice?.stop && icon("check"), s.advice && h("span", {}, s.advice.sentence, s.advice.stop && ` · ${s.advice.why}`)));
}

const KEYS_SHOWN = [
  ["arrows", "move; with Shift, select"], ["Space or Z", "enlarge, and close"], ["S or Ctrl Space", "select or not"], ["Ctrl A", "select the page"],
  ["K", "keep: the label is right"], ["D or Delete", "delete (undo brings it back)"], ["1–9", "relabel as that class"], ["R", "relabel by typing a class, or a new one"],
  ["X", "unsure"], ["N", "none of the classes"], ["M", "more than one class"], ["U or Ctrl Z", "undo, back to the project's beginning"], ["Y or Ctrl Shift Z", "redo"],
  ["Enter", "keep the rest of the page, go on"], ["PageDown, PageUp", "turn the page"], ["Home, End", "first and last of the page"], ["+ and −", "larger, smaller"], ["Esc", "close, or unselect"], ["?", "these keys"],
];

/** @param {any} act */
export function helpBox(act) {
  return h("div", { class: "cu-help", role: "dialog", "aria-label": "Keys" },
    h("div", { class: "cu-row cu-spread" }, h("h2", {}, "Keys"), h("button", { class: "cu-quiet", "aria-label": "Close the keys", onclick: act.help }, icon("cross"))),
    h("dl", {}, KEYS_SHOWN.map(([key, text]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, text)))),
    h("p", { class: "cu-hint" }, "Mouse: click, Ctrl click, Shift click, or drag a box. Touch: hold to select, tap twice to enlarge. A decision is for what is selected, or for the image in focus."));
}
