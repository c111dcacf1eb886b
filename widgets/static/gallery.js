// @ts-check
// A page of a review queue: look, decide with keys, mouse or touch, go on.
//
// Thumbnails come as binary buffers of one message a page, those of the next page ahead of it. The
// listbox has one tab stop; the focus is the tile that keys act on unless tiles are selected.

import { h, patch } from "./drawing.js";
import { SIZES, footOf, helpBox, queueBar, tileOf } from "./gallery_draw.js";
import { columnsOf, fitting } from "./gallery_fit.js";
import { keeping } from "./gallery_pictures.js";
import { pointing } from "./gallery_pointer.js";
import { relabelBox } from "./gallery_relabel.js";
import { zoomBox } from "./gallery_zoom.js";
import { problem } from "./marks.js";

/** @param {{model: any, el: HTMLElement}} context */
function render({ model, el }) {
  /** @type {Ui} */
  const ui = { focus: 0, anchor: 0, selected: new Set(), help: false, filters: false, zoom: null, relabel: null, waiting: false, columns: 0, pictures: new Map(), drawn: new Map() };
  /** @type {any} the next page as it was when it was sent, to be shown before the kernel answers */
  let ahead = null;
  /** @type {any} what of it is shown now, until the kernel has turned too */
  let early = null;
  const state = () => (early ? { ...model.get("state"), ...early } : model.get("state"));
  const send = (/** @type {any} */ message) => model.send(message);
  const tiles = () => state().tiles;
  /** @type {() => number[]} of the page */
  const ids = () => tiles().map((/** @type {any} */ t) => t.id);
  const pageKey = () => `${state().queue_number}/${state().offset}`;
  let shown = pageKey(); // a page that is turned starts at its first tile; one that changes does not
  let queue = state().queue_number;
  let patience = 0;
  const chosen = () => (ui.zoom || !ui.selected.size ? ids().slice(ui.focus, ui.focus + 1) : ids().filter((id) => ui.selected.has(id)));

  /** The id of a class by the name that is shown: the name may be another by now. @param {string} label @returns {number | null} */
  const idOf = (label) => state().class_ids[state().classes.indexOf(label)] ?? null;

  /** Ask for another page or queue; if it takes long, say so. @param {any} message */
  function ask(message) {
    window.clearTimeout(patience);
    patience = window.setTimeout(() => { ui.waiting = true; redraw(); }, 200);
    send(message);
  }

  function goOn() {
    if (ui.selected.size && !ui.zoom) ui.selected = new Set();
    else if (ui.focus < tiles().length - 1) ui.focus += 1;
    ui.anchor = ui.focus;
    if (ui.zoom) enlarge();
    redraw();
    focusTile();
  }

  const act = {
    open: (/** @type {string} */ kind) => ask({ do: "open", kind }),
    narrow: (/** @type {any} */ filters) => ask({ do: "narrow", filters }),
    unfiltered: () => ask({ do: "narrow", filters: { split: "", host: "", tag: "", issue: "", text: "" } }),
    filters: () => { ui.filters = !ui.filters; if (ui.filters) send({ do: "choices" }); redraw(); resized(); },
    size: (/** @type {string} */ size) => { send({ do: "resize", size, page: fit(size) ?? state().page }); },
    help: () => { ui.help = !ui.help; redraw(); },
    turn: (/** @type {number} */ by) => { ask({ do: "turn", by }); if (by === 1) turnEarly(); },
    rest: () => { ask({ do: "rest" }); if (state().kind !== "again") turnEarly(); },
    undo: () => send({ do: "undo" }),
    redo: () => send({ do: "redo" }),
    decide(/** @type {string} */ action, /** @type {string} */ label = "") {
      if (!chosen().length) return;
      send({ do: "decide", ids: chosen(), action, label, class_id: idOf(label) });
      goOn();
    },
    relabel: () => { if (chosen().length) { ui.relabel = { text: "", at: 0 }; redraw(); /** @type {any} */ (el.querySelector("[name=relabel]"))?.focus(); } },
    typed: (/** @type {string} */ text, /** @type {number} */ at) => { ui.relabel = { text, at }; redraw(); },
    labelled(/** @type {string} */ label, /** @type {boolean} */ fresh) {
      ui.relabel = null;
      send({ do: "decide", ids: chosen(), action: "relabel", label, fresh, class_id: idOf(label) });
      goOn();
    },
    move,
    look: (/** @type {number} */ place) => { ui.focus = place; enlarge(); redraw(); /** @type {any} */ (el.querySelector(".cu-zoom"))?.focus(); },
    close: () => { ui.zoom = ui.relabel = null; ui.help = false; redraw(); focusTile(); },
    focused: (/** @type {number} */ place) => { if (ui.focus !== place) { ui.focus = place; redraw(); } },
    clicked(/** @type {MouseEvent} */ event, /** @type {number} */ place) {
      if (pointer.dragged()) return;
      if (event.shiftKey) { move(place, true); return; }
      if (event.ctrlKey || event.metaKey || (touched && ui.selected.size)) toggle(tiles()[place].id);
      else ui.selected = new Set();
      ui.focus = ui.anchor = place;
      redraw();
      focusTile();
    },
  };

  /** Show the next page now; the kernel, which was asked, shows the same a moment later. */
  function turnEarly() {
    const s = state();
    if (early || !ahead || ahead.queue !== s.queue_number || ahead.offset !== s.offset + s.tiles.length) return;
    early = { offset: ahead.offset, tiles: ahead.tiles, seen: Math.max(s.seen, ahead.offset + ahead.tiles.length), status: "" };
    ahead = null;
    changed();
  }

  /** Ask for the whole image in focus and what is known of it. */
  function enlarge() {
    const item = tiles()[ui.focus];
    if (!item) return;
    forgetZoom();
    ui.zoom = { id: item.id, url: "", details: null, near: new Map() };
    send({ do: "zoom", id: item.id });
  }

  function forgetZoom() {
    if (ui.zoom?.url) URL.revokeObjectURL(ui.zoom.url);
    for (const url of ui.zoom?.near?.values() ?? []) URL.revokeObjectURL(url);
  }

  function move(/** @type {number} */ to, /** @type {boolean} */ extend = false) {
    ui.focus = Math.max(0, Math.min(tiles().length - 1, to));
    if (ui.zoom) enlarge();
    else if (extend) {
      const [from, until] = [Math.min(ui.anchor, ui.focus), Math.max(ui.anchor, ui.focus)];
      ui.selected = new Set(ids().slice(from, until + 1));
    } else ui.anchor = ui.focus;
    redraw();
    focusTile();
  }

  function toggle(/** @type {number | undefined} */ id) {
    if (id === undefined) return;
    ui.selected = new Set(ui.selected);
    if (!ui.selected.delete(id)) ui.selected.add(id);
    redraw();
  }

  function focusTile() {
    const wanted = ui.zoom ? ".cu-zoom" : `[data-place="${ui.focus}"]`;
    /** @type {HTMLElement | null} */ (el.querySelector(wanted))?.focus({ preventScroll: Boolean(ui.zoom) });
  }

  function refit() {
    const before = ui.columns;
    const page = fit(state().size);
    if (page && page !== state().page) send({ do: "resize", size: state().size, page });
    else if (ui.columns !== before) redraw();
  }

  /** @returns {number | null} how many tiles of a size fill the window; their columns are kept */
  function fit(/** @type {string} */ size) {
    const found = fitting(el, SIZES[/** @type {"M"} */ (size)]);
    if (found) ui.columns = found.columns;
    return found && found.page;
  }

  const larger = (/** @type {number} */ by) => {
    const names = Object.keys(SIZES);
    const next = names[names.indexOf(state().size) + by];
    if (next) act.size(next);
  };

  /** @type {Record<string, (e: KeyboardEvent) => void>} */
  const KEYS = {
    ArrowRight: (e) => move(ui.focus + 1, e.shiftKey),
    ArrowLeft: (e) => move(ui.focus - 1, e.shiftKey),
    ArrowDown: (e) => move(ui.focus + (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
    ArrowUp: (e) => move(ui.focus - (ui.zoom ? 1 : columnsOf(el)), e.shiftKey),
    Home: (e) => move(0, e.shiftKey),
    End: (e) => move(tiles().length - 1, e.shiftKey),
    PageDown: () => act.turn(1),
    PageUp: () => act.turn(-1),
    Enter: () => act.rest(),
    " ": () => (ui.zoom ? act.close() : act.look(ui.focus)),
    z: () => (ui.zoom ? act.close() : act.look(ui.focus)),
    s: () => toggle(tiles()[ui.focus]?.id),
    Delete: () => act.decide("delete"),
    d: () => act.decide("delete"),
    k: () => act.decide("keep"),
    x: () => act.decide("unsure"),
    n: () => act.decide("none"),
    m: () => act.decide("several"),
    r: () => act.relabel(),
    u: () => act.undo(),
    y: () => act.redo(),
    "+": () => larger(1),
    "=": () => larger(1),
    "-": () => larger(-1),
    "?": () => act.help(),
    Escape: () => { if (ui.zoom || ui.help || ui.relabel) act.close(); else { ui.selected = new Set(); redraw(); focusTile(); } },
  };

  function keyed(/** @type {KeyboardEvent} */ event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName)) return;
    if (target.tagName === "BUTTON" && ["Enter", " "].includes(event.key)) return;
    if (event.key === "Tab" && ui.zoom) return keepInside(event);
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (name === "z") (event.shiftKey ? act.redo : act.undo)();
      else if (name === "y") act.redo();
      else if (name === " ") toggle(tiles()[ui.focus]?.id);
      else if (name === "a") { ui.selected = new Set(ids()); redraw(); }
      else return;
      event.preventDefault();
    } else if (/^[1-9]$/.test(name)) {
      const label = state().classes[Number(name) - 1];
      if (label) { event.preventDefault(); act.decide("relabel", label); }
    } else if (KEYS[name]) {
      event.preventDefault();
      KEYS[name](event);
    }
  }

  /** The focus stays in the enlarged view while it is open. */
  function keepInside(/** @type {KeyboardEvent} */ event) {
    const stops = /** @type {HTMLElement[]} */ ([...el.querySelectorAll(".cu-zoom button:not([disabled]), .cu-zoom [tabindex='0']")]);
    const at = stops.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const next = event.shiftKey ? at - 1 : at + 1;
    event.preventDefault();
    stops[(next + stops.length) % stops.length]?.focus();
  }

  function view() {
    const s = state();
    const here = new Set(ids());
    for (const id of ui.drawn.keys()) if (!here.has(id)) ui.drawn.delete(id); // no longer on the page
    return h("div", { class: "cu-gallery" },
      queueBar(s, ui, act),
      problem(s.error),
      s.tiles.length === 0
        ? h("div", { class: "cu-card cu-blank" }, h("p", {}, s.empty), s.step && h("button", { class: "cu-button cu-primary", onclick: () => send({ do: "go", station: s.step.station }) }, s.step.title))
        : h("div", {
          class: `cu-tiles cu-size-${s.size}${ui.waiting ? " cu-waiting" : ""}`, role: "listbox", "aria-label": "Images to review", "aria-multiselectable": "true", "aria-busy": String(ui.waiting),
          style: `--tile:${SIZES[/** @type {"M"} */ (s.size)]}px${ui.columns ? `;grid-template-columns:repeat(${ui.columns},minmax(0,1fr))` : ""}`,
        }, s.tiles.map((/** @type {any} */ item, /** @type {number} */ place) => tileOf(item, place, s, ui, act))),
      footOf(s, ui, act),
      ui.help && helpBox(act),
      ui.zoom && zoomBox(s, ui, act),
      ui.relabel && relabelBox(s, ui, act, chosen().length));
  }

  const thumbs = keeping(ui.pictures, () => new Set(ids()), redraw);
  let touched = false;
  const touch = (/** @type {PointerEvent} */ e) => { touched = e.pointerType === "touch"; };
  const pointer = pointing(el, (covered, add) => {
    ui.selected = new Set([...(add ? ui.selected : []), ...covered]);
    redraw();
  }, toggle);
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.replaceChildren(view());
  el.addEventListener("keydown", keyed);
  el.addEventListener("pointerdown", touch, true);

  function redraw() {
    patch(el.firstChild, view());
  }

  function arrived() {
    if (early && model.get("state").offset === early.offset) early = null;
    changed();
  }

  function changed() {
    window.clearTimeout(patience);
    ui.waiting = false;
    if (pageKey() === shown) {
      redraw();
      return;
    }
    const hadFocus = el.contains(document.activeElement) || document.activeElement === document.body;
    const typing = /** @type {HTMLElement} */ (document.activeElement)?.closest(".cu-queue");
    shown = pageKey();
    ui.focus = ui.anchor = 0;
    ui.selected = new Set();
    ui.relabel = null;
    if (ui.zoom && tiles().length) enlarge();
    else ui.zoom = null;
    redraw();
    el.querySelector(".cu-tiles")?.scrollIntoView({ block: "nearest" });
    if (state().queue_number !== queue) resized(); // tiles of another queue may be of another height
    queue = state().queue_number;
    if (hadFocus && !typing) focusTile();
  }

  function received(/** @type {any} */ message, /** @type {DataView[]} */ buffers) {
    const url = (/** @type {number} */ place) => URL.createObjectURL(new Blob([/** @type {any} */ (buffers[place])]));
    if (message.type === "pictures") {
      thumbs.received(message, buffers);
      if (message.ahead) ahead = { ...message.ahead, queue: model.get("state").queue_number };
      redraw();
    } else if (message.type === "turned") {
      if (early) { early = null; changed(); } // it was not to be, as at the end of a queue
    } else if (message.type === "zoom" && ui.zoom?.id === message.id) {
      ui.zoom.details = message.details;
      message.near.forEach((/** @type {number} */ id, /** @type {number} */ place) => ui.zoom.near.set(id, url(place)));
      if (buffers.length > message.near.length) ui.zoom.url = url(message.near.length);
      redraw();
    } else if (message.type === "focus") focusTile();
  }

  let settling = 0;
  const resized = () => { window.clearTimeout(settling); settling = window.setTimeout(refit, 150); };
  const sight = new IntersectionObserver(resized); // it may be drawn long before it is looked at
  sight.observe(el);
  window.addEventListener("resize", resized);
  model.on("change:state", arrived);
  model.on("msg:custom", received);
  send({ do: "ready" });
  return () => {
    model.off("change:state", arrived);
    model.off("msg:custom", received);
    window.removeEventListener("resize", resized);
    sight.disconnect();
    pointer.end();
    forgetZoom();
    el.removeEventListener("keydown", keyed);
    el.removeEventListener("pointerdown", touch, true);
    thumbs.end();
  };
}

export default { render };
