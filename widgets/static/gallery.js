// @ts-check
// A page of a review queue: look, decide with keys, mouse or touch, go on.
//
// Thumbnails come as binary buffers of one message a page, those of the next page ahead of it. The
// listbox has one tab stop; the focus is the tile that keys act on unless tiles are selected.

import { CONCEPT } from "./concept_bar.js";
import { patch } from "./drawing.js";
import { fitting } from "./gallery_fit.js";
import { answeringKeys } from "./gallery_keys.js";
import { keeping } from "./gallery_pictures.js";
import { pointing } from "./gallery_pointer.js";
import { NAMES, SIZES, UNFILTERED } from "./gallery_queue.js";
import { stage } from "./gallery_stage.js";
import { askWhy, forget, receiveWhy, switchWhy } from "./gallery_why.js";
import { keep, kept } from "./kept.js";
import { typingBox } from "./typing_box.js";

/** @import {Context, Message} from "./types" */
/** @import {Act, GalleryMessage, GalleryState, Tile, TileSize, Ui} from "./review_states" */

/** @param {Context<GalleryState, GalleryMessage>} context */
function render({ model, el }) {
  /** @type {Ui} */
  const ui = {
    focus: 0,
    anchor: 0,
    selected: new Set(),
    help: false,
    filters: false,
    zoom: null,
    why: false,
    typing: null,
    waiting: false,
    columns: 0,
    more: false,
    whole: kept("whole"),
    drawer: kept("drawer"),
    pictures: new Map(),
    drawn: new Map(),
  };
  /** The next page as it was when it was sent, to be shown before the kernel answers.
   * @type {{queue: number, offset: number, tiles: Tile[], expected: string} | null} */
  let ahead = null;
  /** What of it is shown now, until the kernel has turned too.
   * @type {Pick<GalleryState, "offset" | "tiles" | "seen" | "status" | "expected"> | null} */
  let early = null;
  const state = () => (early ? { ...model.get("state"), ...early } : model.get("state"));
  const send = (/** @type {Message} */ message) => model.send(message);
  const tiles = () => state().tiles;
  /** @type {() => number[]} of the page */
  const ids = () => tiles().map((t) => t.id);
  const pageKey = () => `${state().queue_number}/${state().offset}`;
  let shown = pageKey(); // a page that is turned starts at its first tile; one that changes does not
  let queue = state().queue_number;
  /** @type {number[]} images that a name is typed for */
  let named = [];
  let patience = 0;
  const chosen = () =>
    ui.zoom || !ui.selected.size
      ? ids().slice(ui.focus, ui.focus + 1)
      : ids().filter((id) => ui.selected.has(id));

  /** Ask for another page or queue; if it takes long, say so. @param {Message} message */
  function ask(message) {
    ui.typing?.drop();
    window.clearTimeout(patience);
    patience = window.setTimeout(() => {
      ui.waiting = true;
      redraw();
    }, 200);
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

  /** Ask for the queue that images lead to. @param {Message} message @param {number[]} [wanted] */
  function away(message, wanted = chosen()) {
    if (!wanted.length) return;
    if (ui.zoom) act.close();
    ask({ ...message, ids: wanted });
  }

  /** @param {string} action @param {string} label @param {boolean} [fresh] @param {number[]} [wanted] */
  function decide(action, label, fresh = false, wanted = chosen()) {
    if (!wanted.length) return;
    const class_id = state().class_ids[state().classes.indexOf(label)] ?? null; // names may change
    send({ do: "decide", ids: wanted, action, label, fresh, class_id });
    goOn();
  }

  /** Let a name be typed for the chosen images, which it is for whatever page comes meanwhile.
   * @param {"class" | "concept"} what */
  function name(what) {
    named = chosen();
    if (named.length) ui.typing?.ask(what);
  }

  /** @type {Act} */
  const act = {
    open: (kind, like = "") => ask({ do: "open", kind, like }),
    narrow: (filters) => ask({ do: "narrow", filters }),
    unfiltered: () => act.narrow(UNFILTERED),
    likePicture: () => send({ do: "like_picture" }),
    filters: () => {
      ui.filters = !ui.filters;
      if (ui.filters) send({ do: "choices" });
      redraw();
      resized();
    },
    larger(by) {
      const next = NAMES[NAMES.indexOf(state().size) + by];
      if (next) act.size(next);
    },
    size: (size) => {
      send({ do: "resize", size, page: fit(size) ?? state().page });
    },
    more: () => {
      ui.more = !ui.more;
      redraw();
    },
    whole: () => {
      ui.whole = keep("whole", !ui.whole);
      redraw();
    },
    drawer: () => {
      ui.drawer = keep("drawer", !ui.drawer);
      send({ do: "drawer", open: ui.drawer });
      redraw();
      resized();
    },
    help: () => {
      ui.help = !ui.help;
      redraw();
    },
    turn: (by) => {
      ask({ do: "turn", by });
      if (by === 1 && state().kind !== CONCEPT) turnEarly(); // answers put what comes in order
    },
    rest: () => {
      if (early) return; // the page that is shown is not the kernel's yet: it would keep another
      ask({ do: "rest" });
      if (!["again", CONCEPT].includes(state().kind)) turnEarly();
    },
    undo: () => send({ do: "undo" }),
    redo: () => send({ do: "redo" }),
    decide: (action, label = "") => decide(action, label),
    audit: () => ask({ do: "audit" }),
    like: () => away({ do: "like" }),
    why: () => {
      switchWhy(ui, send);
      redraw();
    },
    relabel: () => name("class"),
    seek: () => name("concept"),
    rename: () => ui.typing?.ask("rename", state().filters.like),
    unseek: () => ask({ do: "remove_concept" }),
    answer(shows, place) {
      const wanted = place === undefined ? chosen() : ids().slice(place, place + 1);
      if (!wanted.length) return;
      send({ do: "answer", ids: wanted, shows });
      if (place === undefined) goOn();
    },
    move,
    toggle,
    select: (wanted) => {
      ui.selected = new Set(wanted);
      redraw();
      if (!wanted.length) focusTile();
    },
    look: (place) => {
      ui.focus = place;
      enlarge();
      redraw();
      focusTile();
    },
    close: () => {
      if (ui.zoom) send({ do: "closed" });
      ui.zoom = null;
      ui.typing?.drop();
      ui.help = false;
      redraw();
      focusTile();
    },
    focused: (place) => {
      if (ui.focus !== place) {
        ui.focus = place;
        redraw();
      }
    },
    clicked(event, place) {
      if (pointer.dragged()) return;
      if (event.shiftKey) {
        move(place, true);
        return;
      }
      if (event.ctrlKey || event.metaKey || (touched && ui.selected.size))
        toggle(tiles()[place].id);
      else ui.selected = new Set();
      ui.focus = ui.anchor = place;
      redraw();
      focusTile();
    },
  };

  /** Show the next page now; the kernel, which was asked, shows the same a moment later. */
  function turnEarly() {
    const s = state();
    const follows = ahead?.queue === s.queue_number && ahead.offset === s.offset + s.tiles.length;
    if (early || !ahead || !follows) return;
    early = {
      offset: ahead.offset,
      tiles: ahead.tiles,
      expected: ahead.expected,
      seen: Math.max(s.seen, ahead.offset + ahead.tiles.length),
      status: "",
    };
    ahead = null;
    changed();
  }

  /** Ask for the whole image in focus and what is known of it. */
  function enlarge() {
    const item = tiles()[ui.focus];
    if (!item) return;
    forget(ui.zoom);
    ui.zoom = { id: item.id, url: "", details: null, near: new Map(), why: null };
    send({ do: "zoom", id: item.id });
    askWhy(ui, send);
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
    /** @type {HTMLElement | null} */ (el.querySelector(wanted))?.focus({
      preventScroll: Boolean(ui.zoom),
    });
  }

  function refit() {
    const before = ui.columns;
    const page = fit(state().size);
    if (page && page !== state().page) send({ do: "resize", size: state().size, page });
    else if (ui.columns !== before) redraw();
  }

  /** @returns {number | null} how many tiles of a size fill the window; their columns are kept */
  function fit(/** @type {TileSize} */ size) {
    const found = fitting(el, SIZES[size]);
    if (found) ui.columns = found.columns;
    return found?.page ?? null;
  }

  function view() {
    const here = new Set(ids());
    for (const id of ui.drawn.keys()) if (!here.has(id)) ui.drawn.delete(id); // no longer on the page
    return stage(state(), ui, act, send);
  }

  const thumbs = keeping(ui.pictures, () => new Set([...ids(), ...state().asked]), redraw);
  let touched = false;
  const touch = (/** @type {PointerEvent} */ e) => {
    touched = e.pointerType === "touch";
  };
  const pointer = pointing(
    el,
    (covered, add) => {
      ui.selected = new Set([...(add ? ui.selected : []), ...covered]);
      redraw();
    },
    toggle,
  );
  ui.typing = typingBox(el, {
    redraw: () => redraw(),
    number: () => named.length,
    relabelled: (label, fresh) => decide("relabel", label, fresh, named),
    sought: (name, shows) => away({ do: "seek", name, shows }, named),
    renamed: (name) => send({ do: "rename_concept", name }),
    closed: () => focusTile(),
  });
  const keyed = answeringKeys(el, ui, act, state);
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  let root = view();
  el.replaceChildren(root);
  // Keys are the gallery's wherever they are nobody else's, as on arrival by the rail.
  const anywhere = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    if (!el.offsetParent || el.closest("[inert]")) return;
    if (el.contains(target) || !target.closest(".cu-main")) keyed(event);
  };
  document.addEventListener("keydown", anywhere);
  el.addEventListener("pointerdown", touch, true);

  function redraw() {
    root = patch(root, view());
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
    const hadFocus =
      el.contains(document.activeElement) || document.activeElement === document.body;
    const typing = /** @type {HTMLElement} */ (document.activeElement)?.closest(
      ".cu-queue, .cu-queues, .cu-typed",
    );
    shown = pageKey();
    ui.focus = ui.anchor = Math.max(0, ids().indexOf(ui.zoom?.id ?? -1));
    ui.selected = new Set();
    if (ui.zoom && tiles().length) enlarge();
    else ui.zoom = null;
    redraw();
    el.querySelector(".cu-tiles")?.scrollIntoView({ block: "nearest" });
    if (state().queue_number !== queue) resized(); // tiles of another queue may be of another height
    queue = state().queue_number;
    if (hadFocus && !typing) focusTile();
  }

  function received(
    /** @type {GalleryMessage} */ message,
    /** @type {DataView<ArrayBuffer>[]} */ buffers,
  ) {
    const url = (/** @type {number} */ place) => URL.createObjectURL(new Blob([buffers[place]]));
    if (message.type === "pictures") {
      thumbs.received(message, buffers);
      if (message.ahead) ahead = { ...message.ahead, queue: model.get("state").queue_number };
      redraw();
    } else if (message.type === "turned") {
      if (early) {
        early = null;
        changed();
      } // it was not to be, as at the end of a queue
    } else if (message.type === "zoom" && ui.zoom?.id === message.id) {
      ui.zoom.details = message.details;
      const near = ui.zoom.near;
      for (const [place, id] of message.near.entries()) near.set(id, url(place));
      if (buffers.length > message.near.length) ui.zoom.url = url(message.near.length);
      redraw();
    } else if (message.type === "why") {
      receiveWhy(ui, message, url);
      redraw();
    } else if (message.type === "look") {
      const place = ids().indexOf(message.id);
      if (place >= 0) act.look(place);
    } else if (message.type === "focus") focusTile();
  }

  let settling = 0;
  const resized = () => {
    window.clearTimeout(settling);
    settling = window.setTimeout(refit, 150);
  };
  const sight = new IntersectionObserver(resized); // it may be drawn long before it is looked at
  sight.observe(el);
  window.addEventListener("resize", resized);
  model.on("change:state", arrived);
  model.on("msg:custom", received);
  send({ do: "ready" });
  send({ do: "drawer", open: ui.drawer });
  return () => {
    model.off("change:state", arrived);
    model.off("msg:custom", received);
    window.removeEventListener("resize", resized);
    sight.disconnect();
    pointer.end();
    forget(ui.zoom);
    document.removeEventListener("keydown", anywhere);
    el.removeEventListener("pointerdown", touch, true);
    thumbs.end();
  };
}

export default { render };
