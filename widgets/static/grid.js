// @ts-check
// The grid of everything: only rows in sight are on the page, whatever there is of them.
//
// Cells and pictures are asked for by window. What is chosen are places in an order that the kernel
// holds still; see grid_ranges.js for why.

import { h, patch } from "./drawing.js";
import { pointing } from "./gallery_pointer.js";
import { facets, foot, head, LEAST, MOST } from "./grid_bars.js";
import { gridKeys } from "./grid_keys.js";
import { added, sizeOf, toggled } from "./grid_ranges.js";
import { gridRow } from "./grid_row.js";
import { laidOut, moved, placed, revealing, rowsIn } from "./grid_scroll.js";
import { holding } from "./held_pictures.js";
import { keepNumber, keptNumber } from "./kept.js";
import { typingBox } from "./typing_box.js";

/** @import {Context, Message} from "./types" */
/** @import {Cell, GridMessage, GridState, Layout, Position, Ranges} from "./data_states" */
/** @import {GridAct} from "./grid_keys" */

const PATIENCE = 50; // milliseconds between two windows that are asked for
const REST = 200; // without scrolling: then the bar is put where it belongs
const CAPTIONED = 104; // pixels: a smaller tile shows its mark alone
const BEYOND = 0.5; // of the view, drawn above and below it
const SIZE = "grid-size";

/** @param {Context<GridState, GridMessage>} context */
function render({ model, el }) {
  let about = keptNumber(SIZE, 128, LEAST, MOST);
  let focus = 0;
  let anchor = 0;
  /** @type {Ranges} */
  let ranges = [];
  /** @type {Map<number, Cell>} by place */
  let cells = new Map();
  /** @type {Position} */
  let position = { scrolled: 0, at: 0 };
  /** @type {Layout} */
  let layout = laidOut(0, 1, about);
  /** @type {Map<number, string>} */
  const drawnTiles = new Map();
  let drawnAt = 0; // position
  let arrived = false; // cells of what is in sight, which had none
  let number = -1;
  let view = 1;
  let width = 0;
  let asked = "";
  let [askTimer, restTimer, frame] = [0, 0, 0];
  let touched = false;
  let leaving = false;

  const state = () => model.get("state");
  const send = (/** @type {Message} */ message) => model.send(message);
  const held = holding(/** @type {any} */ (model), () => soon());
  const scroller = () => /** @type {HTMLElement | null} */ (el.closest(".cu-main"));
  const list = () => /** @type {HTMLElement | null} */ (el.querySelector(".cu-grid"));

  const chosen = () => (ranges.length ? ranges : /** @type {Ranges} */ ([[focus, focus + 1]]));

  /** Where the grid begins in what is scrolled, and how much of it is in sight. */
  function measure() {
    const main = scroller();
    const grid = list();
    if (!main || !grid?.clientWidth) return null;
    const [above, below] = [".cu-grid-head", ".cu-grid-foot"].map(
      (bar) => /** @type {HTMLElement} */ (el.querySelector(bar)).getBoundingClientRect().height,
    );
    const top = grid.getBoundingClientRect().top - main.getBoundingClientRect().top;
    view = Math.max(40, main.clientHeight - above - below);
    width = grid.clientWidth;
    return { main, base: top + main.scrollTop - above };
  }

  /** Lay out anew what is wider, smaller or more; what was at the top stays there. */
  function fit() {
    if (!measure()) return;
    const before = layout;
    layout = laidOut(state().total, width, about);
    if (before.columns !== layout.columns || before.pitch !== layout.pitch) {
      const first = Math.floor(position.at / before.pitch) * before.columns;
      drawnTiles.clear(); // tiles are in other rows now
      put(placed(Math.floor(first / layout.columns) * layout.pitch, layout, view));
    }
    redraw();
  }

  /** Go to a position. @param {Position} there */
  function put(there) {
    position = there;
    const grid = list();
    if (grid) grid.style.height = `${layout.height}px`;
    const at = measure();
    if (at) at.main.scrollTop = at.base + there.scrolled;
    // The browser rounds: the next step counts from where it went.
    if (at) position = { ...there, scrolled: at.main.scrollTop - at.base };
  }

  function scrolledTo() {
    const at = el.offsetParent && measure();
    if (!at) return; // another station is scrolled
    position = moved(position, at.main.scrollTop - at.base, layout, view);
    soon();
    window.clearTimeout(restTimer);
    if (layout.whole > layout.height)
      restTimer = window.setTimeout(
        () => el.offsetParent && put(placed(position.at, layout, view)),
        REST,
      );
  }

  /** Draw at the next frame, once. */
  function soon() {
    if (!frame)
      frame = window.requestAnimationFrame(() => {
        frame = 0;
        redraw();
      });
  }

  function ask() {
    askTimer = 0;
    const { number: order, total } = state();
    const rows = rowsIn(position, layout, view, BEYOND);
    const place = (/** @type {number} */ row) => Math.min(total, row * layout.columns);
    const message = {
      do: "window",
      number: order,
      first: place(rows.first),
      end: place(rows.end),
      top: place(rows.top),
      bottom: place(rows.bottom),
    };
    const wanted = JSON.stringify(message);
    if (wanted === asked || !total || !el.offsetParent || leaving) return;
    asked = wanted;
    send(message);
  }

  /** @param {number} to @param {boolean} extend */
  function move(to, extend) {
    focus = Math.max(0, Math.min(state().total - 1, to));
    if (extend) ranges = added([], Math.min(anchor, focus), Math.max(anchor, focus) + 1);
    else anchor = focus;
    reveal();
  }

  function reveal() {
    const there = revealing(focus, position, layout, view);
    if (there !== position) put(there);
    redraw();
    /** @type {HTMLElement | null} */ (el.querySelector(`[data-place="${focus}"]`))?.focus({
      preventScroll: true,
    });
  }

  /** @param {string} action @param {string} label @param {boolean} [fresh] */
  function decide(action, label, fresh = false) {
    const s = state();
    if (!s.total) return;
    if (!ranges.length && revealing(focus, position, layout, view) !== position) {
      reveal(); // what is not in sight is shown first, and decided by the next key
      return;
    }
    const class_id = s.class_ids[s.classes.indexOf(label)] ?? null;
    send({ do: "decide", number: s.number, ranges: chosen(), action, label, fresh, class_id });
    if (ranges.length) ranges = [];
    else focus = Math.min(s.total - 1, focus + 1);
    anchor = focus;
    reveal();
  }

  /** @type {GridAct} */
  const act = {
    move,
    decide: (action, label = "") => decide(action, label),
    relabel: () => state().total && typing.ask("class"),
    seek: () => state().total && typing.ask("concept"),
    like: () => {
      const s = state();
      if (s.total) send({ do: "like", number: s.number, ranges: chosen() });
    },
    queue: () => state().total && send({ do: "open", number: state().number, ranges }),
    export: () => state().total && send({ do: "export", number: state().number, ranges }),
    undo: () => send({ do: "undo" }),
    redo: () => send({ do: "redo" }),
    toggle: (place) => {
      ranges = toggled(ranges, place);
      redraw();
    },
    all: () => {
      ranges = added([], 0, state().total);
      redraw();
    },
    none: () => {
      ranges = [];
      redraw();
    },
    look: (place) => {
      const cell = cells.get(place);
      if (cell) send({ do: "look", id: cell.id });
    },
    larger: (by) => resize(about + 16 * by),
  };

  const tileAct = {
    look: act.look,
    focused: (/** @type {number} */ place) => {
      if (focus === place) return;
      focus = place;
      redraw();
    },
    clicked: (/** @type {MouseEvent} */ event, /** @type {number} */ place) => {
      if (pointer.dragged()) return;
      if (event.shiftKey) {
        move(place, true);
        return;
      }
      if (event.ctrlKey || event.metaKey || (touched && ranges.length))
        ranges = toggled(ranges, place);
      else ranges = [];
      focus = anchor = place;
      reveal();
    },
  };

  const typing = typingBox(el, {
    redraw: () => redraw(),
    number: () => (ranges.length ? sizeOf(ranges) : Math.min(1, state().total)),
    relabelled: (label, fresh) => decide("relabel", label, fresh),
    sought: (name, shows) =>
      send({ do: "seek", number: state().number, ranges: chosen(), name, shows }),
    closed: () => reveal(),
  });

  function resize(/** @type {number} */ wanted) {
    about = keepNumber(SIZE, Math.max(LEAST, Math.min(MOST, wanted)));
    fit();
  }

  /** @param {number} beyond of the view */
  function page(beyond) {
    const s = state();
    const rows = rowsIn(position, layout, view, beyond);
    const here = [];
    const kept = new Set();
    for (let row = rows.first; row < rows.end; row += 1) {
      here.push(row);
      for (let place = row * layout.columns; place < (row + 1) * layout.columns; place += 1)
        kept.add(cells.get(place)?.id);
    }
    for (const id of drawnTiles.keys()) if (!kept.has(id)) drawnTiles.delete(id); // off the page
    const { pictures } = held;
    const shown = { cells, focus, ranges, layout, position, pictures, drawn: drawnTiles };
    return h(
      "div",
      { class: "cu-gallery cu-grid-page" },
      facets(s, send),
      h(
        "div",
        { class: "cu-stage" },
        head(s, about, send, resize),
        h(
          "div",
          {
            class: `cu-tiles cu-grid${layout.side < CAPTIONED ? " cu-bare" : ""}`,
            role: "listbox",
            "aria-label": "All images",
            "aria-multiselectable": "true",
            "aria-busy": String(s.opening),
            style: `height:${Math.max(40, layout.height)}px`,
          },
          here.map((row) => gridRow(row, s, shown, tileAct)),
        ),
        foot(s, ranges.length ? sizeOf(ranges) : 0, act),
      ),
      typing.view(s),
    );
  }

  let root = page(BEYOND);
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.replaceChildren(root);

  function redraw() {
    const jumped = arrived || Math.abs(position.at - drawnAt) > view;
    root = patch(root, page(jumped ? 0 : BEYOND));
    [drawnAt, arrived] = [position.at, false];
    if (jumped) soon(); // first what is in sight: a frame has no time for more
    if (!askTimer) askTimer = window.setTimeout(ask, PATIENCE);
  }

  function changed() {
    const s = state();
    if (s.number !== number) {
      number = s.number;
      focus = anchor = 0;
      ranges = [];
      cells = new Map();
      asked = "";
      typing.drop();
      layout = laidOut(s.total, Math.max(1, width), about);
      if (el.offsetParent) put({ scrolled: 0, at: 0 });
      else position = { scrolled: 0, at: 0 };
    }
    fit();
    redraw();
  }

  function received(/** @type {GridMessage} */ message) {
    if (message.type !== "cells" || message.number !== state().number) return;
    const top = rowsIn(position, layout, view, 0).top * layout.columns;
    arrived ||= !cells.has(top);
    cells = new Map(message.cells.map((cell, place) => [message.first + place, cell]));
    soon();
  }

  const keys = gridKeys(
    () => ({
      focus,
      total: state().total,
      columns: layout.columns,
      page: layout.columns * Math.max(1, Math.floor(view / layout.pitch)),
      classes: state().classes,
      typing: typing.open,
    }),
    act,
  );
  // As in Review: keys are the grid's wherever they are nobody else's.
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    if (!el.offsetParent || el.closest("[inert]")) return;
    if (el.contains(target) || !target.closest(".cu-main")) keys(event);
  };
  const touch = (/** @type {PointerEvent} */ event) => {
    touched = event.pointerType === "touch";
  };
  const placeOf = (/** @type {number} */ id) => {
    for (const [place, cell] of cells) if (cell.id === id) return place;
    return -1;
  };
  /** @type {Ranges} */
  let before = [];
  let boxed = false;
  const pointer = pointing(
    el,
    (ids, add) => {
      if (!boxed) before = add ? ranges : [];
      boxed = true;
      const places = ids.map(placeOf).filter((place) => place >= 0);
      ranges = places.reduce((all, place) => added(all, place, place + 1), before);
      redraw();
    },
    (id) => act.toggle(placeOf(id)),
  );
  const released = () => {
    boxed = false;
  };

  const leave = () => {
    leaving = true; // a page that goes has no kernel to ask any more
  };
  window.addEventListener("pagehide", leave);
  window.addEventListener("beforeunload", leave);
  const sight = new IntersectionObserver(() => {
    if (!el.offsetParent) return;
    put(position); // the scrolled element is shared with the other stations
    fit();
  });
  sight.observe(el);
  const sizes = new ResizeObserver(() => fit());
  sizes.observe(el);
  document.addEventListener("keydown", keyed);
  document.addEventListener("scroll", scrolledTo, { capture: true, passive: true });
  window.addEventListener("pointerup", released);
  el.addEventListener("pointerdown", touch, true);
  model.on("change:state", changed);
  model.on("msg:custom", received);
  changed();
  held.ask();
  return () => {
    model.off("change:state", changed);
    model.off("msg:custom", received);
    document.removeEventListener("keydown", keyed);
    document.removeEventListener("scroll", scrolledTo, { capture: true });
    window.removeEventListener("pointerup", released);
    window.removeEventListener("pagehide", leave);
    window.removeEventListener("beforeunload", leave);
    el.removeEventListener("pointerdown", touch, true);
    for (const timer of [askTimer, restTimer]) window.clearTimeout(timer);
    window.cancelAnimationFrame(frame);
    sight.disconnect();
    sizes.disconnect();
    pointer.end();
    held.end();
  };
}

export default { render };
