// @ts-check
// The map of everything: the browser holds the points, and says which of them are decided on.

import { h, patch } from "./drawing.js";
import { many } from "./figures.js";
import { holding } from "./held_pictures.js";
import { blank, foot, head, legend } from "./map_bars.js";
import { palette, REST } from "./map_colours.js";
import { boxMoved, middleOf } from "./map_cursor.js";
import { gesturesOn } from "./map_gestures.js";
import { choosePictures, counting, nothing, placeAt, spotOf } from "./map_held.js";
import { mapKeys } from "./map_keys.js";
import { mark } from "./map_marks.js";
import { taking } from "./map_messages.js";
import { drawOver, keepLoaded } from "./map_overlay.js";
import { pointsOn, SELECTED } from "./map_points.js";
import { stageOf } from "./map_stage.js";
import { dotSize, fitted, inBox, packed, panned, zoomed } from "./map_view.js";
import { typingBox } from "./typing_box.js";

/** @import {Context, Message} from "./types" */
/** @import {Camera, MapAct, MapMessage, MapState, MapView, Spot, Tool} from "./map_states" */

const PATIENCE = 90; // milliseconds between two questions to the kernel
const KEYED = 1.5; // of a zoom by key or button

/** @param {Context<MapState, MapMessage>} context */
export function render({ model, el }) {
  const state = () => model.get("state");
  const send = (/** @type {Message} */ message) => model.send(message);
  const tell = (/** @type {string} */ what, detail = {}) =>
    send({ do: what, number: state().number, ...detail });

  const m = nothing();
  /** @type {Map<string, HTMLImageElement>} */
  const images = new Map();
  let note = "";
  let serial = 0;
  let [frame, timer, shareTimer] = [0, 0, 0];
  let stale = false; // the points, not only what lies over them
  /** @type {MapView} */
  const view = { tool: "move", hidden: new Set(), from: 0, numbers: new Uint32Array(256), colours: [], selected: 0, share: "", shown: 0 }; // biome-ignore format: one line

  const held = holding(/** @type {any} */ (model), () => {
    showCard();
    soon();
  });
  const counts = counting(m);
  const { stage, points, over, sized, showCard: putCard } = stageOf(m);
  const painter = pointsOn(points);
  stage.dataset.drawnBy = painter.kind;
  const pen = /** @type {CanvasRenderingContext2D} */ (over.getContext("2d"));

  // Drawing

  function soon(all = false) {
    stale ||= all;
    if (!frame) frame = window.requestAnimationFrame(paint);
  }

  function paint() {
    frame = 0;
    const ratio = window.devicePixelRatio || 1;
    if (!m.screen.width || !stage.isConnected) return;
    stale = sized(ratio) || stale;
    if (stale) {
      stale = false;
      painter.draw(m.camera, m.screen, ratio, dotSize(m.index.order.length, m.camera.scale / m.whole), view.selected > 0); // biome-ignore format: one line
      choosePictures(m); // those that the page lacks are asked for
      askLater();
    }
    const style = getComputedStyle(stage);
    drawOver(pen, m.screen, ratio, {
      ...m,
      hover: m.hovered >= 0 ? spotOf(m, m.hovered) : null,
      colourOf: (place) => view.colours[m.codes[place]] ?? "grey",
      pictureOf: (place) => images.get(held.pictures.get(place) ?? ""),
      accent: style.getPropertyValue("outline-color"),
      ground: style.backgroundColor,
    });
  }

  function askLater() {
    if (!timer) timer = window.setTimeout(ask, PATIENCE);
  }

  function ask() {
    timer = 0;
    const places = m.shown.map(({ place }) => place);
    if (m.hovered >= 0 && !places.includes(m.hovered)) places.push(m.hovered);
    const wanted = `${state().number} ${places}`;
    if (wanted === m.asked || !state().total || !el.offsetParent) return;
    m.asked = wanted;
    tell("pictures", { places });
  }

  // What is shown and selected

  function marked() {
    mark(m, view, !state().names.length);
    painter.marks(m.marks);
    soon(true);
  }

  /** @param {Iterable<number>} places @param {boolean} more */
  function select(places, more) {
    if (!more) for (let place = 0; place < m.marks.length; place += 1) m.marks[place] &= ~SELECTED;
    for (const place of places) if (counts(place)) m.marks[place] |= SELECTED;
    selected();
  }

  function selected() {
    marked();
    view.share = "";
    serial += 1;
    window.clearTimeout(shareTimer);
    if (view.selected)
      shareTimer = window.setTimeout(
        () => tell("selected", { chosen: packed(m.marks, SELECTED), serial }),
        PATIENCE,
      );
    redraw();
  }

  function coloured() {
    const s = state();
    const places = s.names.map((name, code) => {
      if (s.classes.includes(name)) return String(s.classes.indexOf(name));
      return name === "others" && code === s.names.length - 1 ? REST : null;
    });
    const colours = palette(el, places, s.names.length);
    view.colours = colours.texts;
    painter.palette(colours.rgba);
    soon(true);
  }

  // Where it looks

  function look(/** @type {Camera} */ there) {
    m.camera = there;
    m.asFitted = false;
    soon(true);
  }

  function fit() {
    if (!m.screen.width) return;
    m.camera = fitted(m.xy, m.screen);
    m.whole = m.camera.scale;
    m.asFitted = true;
    soon(true);
  }

  const middle = () => middleOf(m.box, m.screen);

  /** Move the box of the keys, and the map where it would leave it. @param {number} dx @param {number} dy @param {boolean} grow */
  function cursor(dx, dy, grow) {
    const moved = boxMoved(m.box, m.screen, dx, dy, grow);
    m.box = moved.box;
    if (moved.beyond.x || moved.beyond.y) look(panned(m.camera, moved.beyond.x, moved.beyond.y));
    const number = inBox(m.index, m.camera, m.screen, m.box, counts).length;
    say(`${many(number, "image")} in the box. Enter selects, + and − zoom.`);
    soon();
  }

  function say(/** @type {string} */ text) {
    note = text;
    redraw();
  }

  /** @param {string} action @param {string} label @param {boolean} [fresh] */
  function decide(action, label, fresh = false) {
    const s = state();
    if (!view.selected) {
      say("Nothing is selected: draw around images with Shift and the mouse, or move a box with the arrows and press Enter."); // biome-ignore format: one line
      return;
    }
    const class_id = s.class_ids[s.classes.indexOf(label)] ?? null;
    tell("decide", { chosen: packed(m.marks, SELECTED), action, label, fresh, class_id });
    note = "";
    select([], false);
  }

  /** @type {MapAct} */
  const act = {
    tool: (/** @type {Tool} */ tool) => {
      view.tool = tool;
      stage.dataset.tool = tool;
      redraw();
    },
    by: (by) => send({ do: "colour", by, label: state().label }),
    label: (label) => send({ do: "colour", by: state().by, label }),
    toggle: (code) => {
      if (!view.hidden.delete(code)) view.hidden.add(code);
      selected();
    },
    only: (code) => {
      view.hidden.clear();
      view.from = 0;
      if (code >= 0)
        for (let other = 0; other < 256; other += 1)
          if (other !== code && view.numbers[other]) view.hidden.add(other);
      selected();
    },
    from: (value) => {
      view.from = value;
      selected();
    },
    make: () => send({ do: "make" }),
    fit,
    zoom: (by) => look(zoomed(m.camera, m.screen, KEYED ** by, middle(), m.whole)),
    all: () => select(m.index.order, false),
    none: () => select([], false),
    open: () => {
      if (view.selected) tell("open", { chosen: packed(m.marks, SELECTED) });
    },
    look: () => {
      const at = m.box ? placeAt(m, middle(), m.box.width / 2) : m.hovered;
      if (at >= 0) tell("look", { place: at });
    },
    cursor,
    take: (more) => {
      if (!m.box) {
        cursor(0, 0, false);
        return;
      }
      note = "";
      select(inBox(m.index, m.camera, m.screen, m.box, counts), more);
    },
    escape: () => {
      if (view.selected) select([], false);
      else m.box = null;
      soon();
    },
    decide: (action, label = "") => decide(action, label),
    relabel: () => (view.selected ? typing.ask("class") : decide("relabel", "")),
    seek: () => (view.selected ? typing.ask("concept") : decide("relabel", "")),
    like: () => {
      if (view.selected) tell("like", { chosen: packed(m.marks, SELECTED) });
    },
    undo: () => send({ do: "undo" }),
    redo: () => send({ do: "redo" }),
    larger: (by) => act.zoom(by),
  };

  const typing = typingBox(el, {
    redraw: () => redraw(),
    number: () => view.selected,
    relabelled: (label, fresh) => {
      decide("relabel", label, fresh);
      stage.focus();
    },
    sought: (name, shows) => tell("seek", { chosen: packed(m.marks, SELECTED), name, shows }),
    closed: () => stage.focus(),
  });

  // The page around it

  function page() {
    const s = state();
    return h(
      "div",
      { class: "cu-gallery cu-grid-page cu-map-page" },
      legend(s, view, act),
      h(
        "div",
        { class: "cu-stage" },
        head(s, view, act, send),
        h("div", { class: "cu-map-place", memo: s.total ? "map" : undefined, key: s.total ? "map" : "none" }, !s.total && blank(s, act)), // biome-ignore format: one line
        foot(s, view, note || s.status, act),
      ),
      typing.view(s),
    );
  }

  let root = page();
  el.setAttribute("data-lm-suppress-shortcuts", "true");
  el.replaceChildren(root);

  function redraw() {
    root = patch(root, page());
    const place = root.querySelector(".cu-map-place");
    if (state().total && place && stage.parentElement !== place) place.append(stage);
  }

  function showCard() {
    keepLoaded(images, held.pictures.values(), () => soon());
    putCard(held.pictures.get(m.hovered), state().classes);
  }

  function hover(/** @type {Spot | null} */ spot) {
    const at = spot ? placeAt(m, spot) : -1;
    if (at === m.hovered) return;
    m.hovered = at;
    stage.classList.toggle("cu-pointing", at >= 0);
    if (at >= 0) {
      if (!m.cells.has(at)) tell("about", { place: at });
      askLater();
    }
    showCard();
    soon();
  }

  const unpoint = gesturesOn(stage, m, {
    tool: () => view.tool,
    enlarge: (place) => tell("look", { place }),
    quiet: () => {
      note = "";
    },
    ...{ look, hover, select, selected, soon },
  });

  // What comes from the kernel

  const take = taking(m, view);
  const received = (
    /** @type {MapMessage} */ message,
    /** @type {DataView<ArrayBuffer>[]} */ buffers,
  ) => {
    const what = take(message, buffers, state().number, serial);
    if (what === "card") showCard();
    else if (what === "share") redraw();
    if (what !== "points" && what !== "codes") return;
    if (what === "points") painter.points(m.xy);
    else coloured();
    painter.codes(m.codes);
    if (what === "points" && m.asFitted) fit();
    marked();
    redraw();
  };

  function changed() {
    note = "";
    redraw();
  }

  const keys = mapKeys(() => ({ classes: state().classes, typing: typing.open }), act);
  // As in Review: keys are the map's wherever they are nobody else's.
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    if (!el.offsetParent || el.closest("[inert]") || !state().total) return;
    if (el.contains(target) || !target.closest(".cu-main")) keys(event);
  };
  const sizes = new ResizeObserver(() => {
    const { clientWidth: width, clientHeight: height } = stage;
    if (!width || !height) return;
    m.screen = { width, height };
    m.whole = fitted(m.xy, m.screen).scale;
    if (m.asFitted) fit();
    soon(true);
  });
  sizes.observe(stage);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", coloured);
  document.addEventListener("keydown", keyed);
  model.on("change:state", changed);
  model.on("msg:custom", received);
  redraw();
  held.ask();
  return () => {
    model.off("change:state", changed);
    model.off("msg:custom", received);
    document.removeEventListener("keydown", keyed);
    dark.removeEventListener("change", coloured);
    for (const each of [timer, shareTimer]) window.clearTimeout(each);
    window.cancelAnimationFrame(frame);
    sizes.disconnect();
    unpoint();
    held.end();
    painter.end();
  };
}
