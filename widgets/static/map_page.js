// @ts-check
// The map of everything: the browser holds the points, and says which of them are decided on.

import { h, patch } from "./drawing.js";
import { many } from "./figures.js";
import { holding } from "./held_pictures.js";
import { blank, card, foot, head, legend } from "./map_bars.js";
import { palette, UNKNOWN } from "./map_colours.js";
import { boxMoved, middleOf } from "./map_cursor.js";
import { mapKeys } from "./map_keys.js";
import { mark } from "./map_marks.js";
import { drawOver, keepLoaded } from "./map_overlay.js";
import { pointing } from "./map_pointer.js";
import { FAINT, HIDDEN, pointsOn, SELECTED } from "./map_points.js";
import {
  apart,
  dotSize,
  fitted,
  inBox,
  indexed,
  inSight,
  inside,
  nearest,
  onMap,
  onScreen,
  packed,
  panned,
  zoomed,
} from "./map_view.js";
import { typingBox } from "./typing_box.js";

/** @import {Context, Message} from "./types" */
/** @import {Cell} from "./data_states" */
/** @import {Box, Camera, MapAct, MapMessage, MapState, MapView, Shown, Spot, Tool} from "./map_states" */

const REACH = 12; // pixels from a point that still mean it
const PICTURES = 300; // in sight at most, for points to become pictures
const NEAR = 1.25; // times the whole map's scale, from which on they do
const FEW = 60; // of so few the whole map is pictures
const PATIENCE = 90; // milliseconds between two questions to the kernel
const KEYED = 1.5; // of a zoom by key or button

/** @param {Context<MapState, MapMessage>} context */
export function render({ model, el }) {
  const state = () => model.get("state");
  const send = (/** @type {Message} */ message) => model.send(message);
  const tell = (/** @type {string} */ what, detail = {}) =>
    send({ do: what, number: state().number, ...detail });

  let xy = new Float32Array();
  let index = indexed(xy);
  let codes = new Uint8Array();
  let bits = new Uint8Array();
  let marks = new Uint8Array();
  /** @type {Camera} */
  let camera = { x: 0, y: 0, scale: 300 };
  let [whole, asFitted] = [300, true];
  let screen = { width: 0, height: 0 };
  /** @type {Shown[]} */
  let shown = [];
  let side = 64;
  /** @type {Spot[] | null} */
  let line = null;
  let closed = true;
  /** @type {Box | null} */
  let box = null;
  let hovered = -1;
  /** @type {Map<number, Cell>} */
  const cells = new Map();
  /** @type {Map<string, HTMLImageElement>} */
  const images = new Map();
  let note = "";
  let colouredBy = "";
  let serial = 0;
  let asked = "";
  let [frame, timer, shareTimer] = [0, 0, 0];
  let stale = false; // the points, not only what lies over them
  /** @type {MapView} */
  const view = { tool: "move", hidden: new Set(), from: 0, numbers: new Uint32Array(256), colours: [], selected: 0, share: "", shown: 0 }; // biome-ignore format: one line

  const held = holding(/** @type {any} */ (model), () => {
    showCard();
    soon();
  });
  const counts = (/** @type {number} */ place) => !(marks[place] & (HIDDEN | FAINT));
  const stage = h("div", { class: "cu-map-stage" });
  const points = h("canvas", { class: "cu-map-points", "aria-hidden": "true" });
  const over = h("canvas", { class: "cu-map-over", "aria-hidden": "true" });
  const shownCard = h("div", { class: "cu-map-card", hidden: true });
  stage.append(points, over, shownCard);
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  stage.setAttribute("aria-label", "Map of the images");
  stage.setAttribute("aria-description", "Arrows move a box, with Shift they change its size; Enter selects the images in it; plus and minus zoom."); // biome-ignore format: one line
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
    if (!screen.width || !stage.isConnected) return;
    for (const canvas of [points, over]) {
      const [width, height] = [Math.round(screen.width * ratio), Math.round(screen.height * ratio)];
      if (canvas.width !== width || canvas.height !== height) {
        Object.assign(canvas, { width, height });
        stale = true;
      }
    }
    if (stale) {
      stale = false;
      painter.draw(camera, screen, ratio, dotSize(index.order.length, camera.scale / whole), view.selected > 0); // biome-ignore format: one line
      choosePictures();
    }
    const style = getComputedStyle(stage);
    drawOver(pen, screen, ratio, {
      ...{ shown, side, line, closed, box, marks },
      hover: hovered >= 0 ? spotOf(hovered) : null,
      colourOf: (place) => view.colours[codes[place]] ?? "grey",
      pictureOf: (place) => images.get(held.pictures.get(place) ?? ""),
      accent: style.getPropertyValue("outline-color"),
      ground: style.backgroundColor,
    });
  }

  const spotOf = (/** @type {number} */ place) =>
    onScreen(camera, screen, xy[2 * place], xy[2 * place + 1]);

  /** Which points become pictures; those that the page lacks are asked for. */
  function choosePictures() {
    const total = index.order.length;
    const near = camera.scale > whole * NEAR || total <= FEW;
    const places = near ? inSight(index, camera, screen, counts, PICTURES) : null;
    side = places && places.length > 120 ? 56 : places && places.length > 40 ? 72 : 104;
    if (screen.width < 600) side = Math.min(side, 64);
    shown = places ? apart(places, xy, camera, screen, side) : [];
    askLater();
  }

  function askLater() {
    if (!timer) timer = window.setTimeout(ask, PATIENCE);
  }

  function ask() {
    timer = 0;
    const places = shown.map(({ place }) => place);
    if (hovered >= 0 && !places.includes(hovered)) places.push(hovered);
    const wanted = `${state().number} ${places}`;
    if (wanted === asked || !state().total || !el.offsetParent) return;
    asked = wanted;
    tell("pictures", { places });
  }

  // What is shown and selected

  function marked() {
    mark({ codes, bits, marks }, view, !state().names.length);
    painter.marks(marks);
    soon(true);
  }

  /** @param {Iterable<number>} places @param {boolean} more */
  function select(places, more) {
    if (!more) for (let place = 0; place < marks.length; place += 1) marks[place] &= ~SELECTED;
    for (const place of places) if (counts(place)) marks[place] |= SELECTED;
    selected();
  }

  function selected() {
    marked();
    view.share = "";
    serial += 1;
    window.clearTimeout(shareTimer);
    if (view.selected)
      shareTimer = window.setTimeout(
        () => tell("selected", { chosen: packed(marks, SELECTED), serial }),
        PATIENCE,
      );
    redraw();
  }

  function coloured() {
    const s = state();
    const places = s.names.map((name) =>
      s.classes.includes(name) ? String(s.classes.indexOf(name)) : null,
    );
    const colours = palette(el, places, s.names.length);
    view.colours = colours.texts;
    painter.palette(colours.rgba);
    soon(true);
  }

  // Where it looks

  function look(/** @type {Camera} */ there) {
    camera = there;
    asFitted = false;
    soon(true);
  }

  function fit() {
    if (!screen.width) return;
    camera = fitted(xy, screen);
    whole = camera.scale;
    asFitted = true;
    soon(true);
  }

  const middle = () => middleOf(box, screen);

  /** Move the box of the keys, and the map where it would leave it. @param {number} dx @param {number} dy @param {boolean} grow */
  function cursor(dx, dy, grow) {
    const moved = boxMoved(box, screen, dx, dy, grow);
    box = moved.box;
    if (moved.beyond.x || moved.beyond.y) look(panned(camera, moved.beyond.x, moved.beyond.y));
    const number = inBox(index, camera, screen, box, counts).length;
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
    tell("decide", { chosen: packed(marks, SELECTED), action, label, fresh, class_id });
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
    zoom: (by) => look(zoomed(camera, screen, KEYED ** by, middle(), whole)),
    all: () => select(index.order, false),
    none: () => select([], false),
    open: () => {
      if (view.selected) tell("open", { chosen: packed(marks, SELECTED) });
    },
    look: () => {
      const at = box ? nearest(index, camera, screen, middle(), box.width / 2, counts) : hovered;
      if (at >= 0) tell("look", { place: at });
    },
    cursor,
    take: (more) => {
      if (!box) {
        cursor(0, 0, false);
        return;
      }
      note = "";
      select(inBox(index, camera, screen, box, counts), more);
    },
    escape: () => {
      if (view.selected) select([], false);
      else box = null;
      soon();
    },
    decide: (action, label = "") => decide(action, label),
    relabel: () => (view.selected ? typing.ask("class") : decide("relabel", "")),
    seek: () => (view.selected ? typing.ask("concept") : decide("relabel", "")),
    like: () => {
      if (view.selected) tell("like", { chosen: packed(marks, SELECTED) });
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
    sought: (name, shows) => tell("seek", { chosen: packed(marks, SELECTED), name, shows }),
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
    shownCard.hidden = hovered < 0;
    if (hovered < 0) return;
    const spot = spotOf(hovered);
    const picture = held.pictures.get(hovered);
    shownCard.replaceChildren(
      h("div", {}, card(cells.get(hovered) ?? null, picture, state().classes)),
    );
    const [wide, tall] = [shownCard.offsetWidth, shownCard.offsetHeight];
    const right = spot.x + 20 + wide < screen.width;
    shownCard.style.left = `${Math.max(4, right ? spot.x + 18 : spot.x - wide - 18)}px`;
    shownCard.style.top = `${Math.max(4, Math.min(screen.height - tall - 4, spot.y - tall / 2))}px`;
  }

  function hover(/** @type {Spot | null} */ spot) {
    const at = spot ? nearest(index, camera, screen, spot, shown.length ? side / 2 : REACH, counts) : -1; // biome-ignore format: one line
    if (at === hovered) return;
    hovered = at;
    stage.classList.toggle("cu-pointing", at >= 0);
    if (at >= 0) {
      if (!cells.has(at)) tell("about", { place: at });
      askLater();
    }
    showCard();
    soon();
  }

  const unpoint = pointing(stage, {
    tool: () => view.tool,
    pan: (dx, dy) => look(panned(camera, dx, dy)),
    zoom: (factor, spot) => {
      hover(null);
      look(zoomed(camera, screen, factor, spot, whole));
    },
    draw: (kind, drawn) => {
      line = drawn;
      closed = kind === "lasso";
      box = null;
      soon();
    },
    drawn: (kind, drawn, more) => {
      line = null;
      const [a, b] = [drawn[0], drawn[drawn.length - 1]];
      const corners = kind === "lasso" ? drawn : [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
      note = "";
      select(inside(index, corners.map((spot) => onMap(camera, screen, spot)), counts), more); // biome-ignore format: one line
    },
    click: (spot, more) => {
      box = null;
      const at = nearest(index, camera, screen, spot, shown.length ? side / 2 : REACH, counts);
      hover(spot);
      if (at >= 0 && more && marks[at] & SELECTED) {
        marks[at] &= ~SELECTED;
        selected();
      } else if (at >= 0 || !more) select(at >= 0 ? [at] : [], more);
    },
    open: (spot) => {
      const at = nearest(index, camera, screen, spot, shown.length ? side / 2 : REACH, counts);
      if (at >= 0) tell("look", { place: at });
    },
    hover,
  });

  // What comes from the kernel

  function received(
    /** @type {MapMessage} */ message,
    /** @type {DataView<ArrayBuffer>[]} */ buffers,
  ) {
    // biome-ignore format: one line
    const bytes = (/** @type {number} */ at) => new Uint8Array(buffers[at].buffer.slice(buffers[at].byteOffset, buffers[at].byteOffset + buffers[at].byteLength)); // biome-ignore format: one line
    if (message.type === "points" && message.number === state().number) {
      xy = new Float32Array(bytes(0).buffer);
      index = indexed(xy);
      codes = new Uint8Array(xy.length / 2).fill(UNKNOWN);
      bits = new Uint8Array(codes.length);
      marks = new Uint8Array(codes.length);
      cells.clear();
      [hovered, box, asked] = [-1, null, ""];
      painter.points(xy);
      painter.codes(codes);
      if (asFitted) fit();
    } else if (message.type === "codes" && message.number === state().number) {
      if (message.by !== colouredBy) {
        view.hidden.clear();
        view.from = 0;
      }
      colouredBy = message.by;
      [codes, bits] = [bytes(0), bytes(1)];
      cells.clear();
      coloured();
      painter.codes(codes);
    } else if (message.type === "about") {
      cells.set(message.place, message.cell);
      showCard();
      return;
    } else if (message.type === "share" && message.serial === serial) {
      view.share = message.sentence;
      redraw();
      return;
    } else return;
    marked();
    redraw();
  }

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
    screen = { width, height };
    whole = fitted(xy, screen).scale;
    if (asFitted) fit();
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
