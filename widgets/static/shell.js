// @ts-check
// The header and the rail: where you are, where the project stands, and the way.

import { following, parse } from "./address.js";
import { h, mount } from "./drawing.js";
import { counted, many } from "./figures.js";
import { watching } from "./lost_server.js";
import { icon } from "./marks.js";
import { stationKeys } from "./station_keys.js";

/** @import {Context, Send} from "./types" */
/** @import {ShellState} from "./states" */

const KEY = "curator-project";

/** Which project this window shows: kept by the window, so that a reload comes back to it.
 * @param {string} path */
function remember(path) {
  try {
    sessionStorage.setItem(KEY, path);
  } catch {
    // A browser that forbids it opens the project that the server was started with.
  }
}

/** The remembered path, "" for the start page, null when this window is new. */
function remembered() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

/** @param {ShellState} state @param {Send} send */
function shell(state, send) {
  remember(state.path ?? "");
  document.title = state.project ? `${state.project} – curator` : "curator";
  return h(
    "div",
    { class: "cu-shell" },
    h(
      "header",
      { class: "cu-header" },
      h(
        "button",
        { class: "cu-brand", onclick: () => send({ do: "projects" }), title: "Projects" },
        h(
          "svg",
          { viewBox: "0 0 16 16", class: "cu-logo", "aria-hidden": "true" },
          h("rect", { x: 1.5, y: 1.5, width: 13, height: 13, rx: 2.5 }),
          h("path", { d: "M1.5 1.5h6.5v13h-6.5z", class: "cu-logo-half" }),
        ),
        h("span", {}, state.project ?? "curator"),
        state.project && h("span", { class: "cu-caret", "aria-hidden": "true" }, "▾"),
      ),
      state.project &&
        h(
          "span",
          { class: "cu-counts" },
          `${many(state.images, "image")} · ${many(state.classes, "class", "classes")} · ${many(state.decisions, "decision")}`,
        ),
      h(
        "span",
        { class: "cu-device", title: state.device ? `Training ran on ${state.device}` : null },
        h("span", { class: "cu-dot", "aria-hidden": "true" }),
        "this machine, no cloud",
      ),
      state.damage &&
        h("p", { class: "cu-reading", role: "alert" }, icon("alert"), h("span", {}, state.damage)),
      state.reading &&
        h(
          "p",
          { class: "cu-reading", role: "status" },
          icon("alert"),
          h("span", {}, h("strong", {}, "Reading mode."), ` ${state.reading}`),
        ),
    ),
    state.project &&
      h(
        "nav",
        { class: "cu-rail", "aria-label": "Stations" },
        state.stations.map((item, place) =>
          h(
            "button",
            {
              class: `cu-station cu-${item.state.replace(" ", "-")}`,
              key: item.id,
              "data-station": item.id,
              title: [item.sentence, item.details, `Keys: G ${place}`].filter(Boolean).join("\n"),
              "aria-current": item.id === state.station ? "page" : null,
              onclick: () => send({ do: "go", station: item.id }),
            },
            h(
              "span",
              { class: "cu-station-name" },
              place > 0 && h("span", { class: "cu-number" }, place),
              item.title,
            ),
            h(
              "span",
              { class: "cu-figure" },
              counted(item.figure),
              item.state === "done" && icon("check"),
              ["needs you", "failed"].includes(item.state) && icon("alert"),
            ),
          ),
        ),
      ),
  );
}

/** On a phone the rail is moved by the finger: the station that is open stays in sight.
 * @param {HTMLElement} el */
function inSight(el) {
  const open = /** @type {HTMLElement | null} */ (el.querySelector(".cu-station[aria-current]"));
  const rail = open?.parentElement;
  if (!open || !rail || rail.scrollWidth <= rail.clientWidth) return;
  rail.scrollLeft = open.offsetLeft - rail.offsetLeft - (rail.clientWidth - open.offsetWidth) / 2;
}

export default {
  /** @param {Context<ShellState>} context */
  render({ model, el }) {
    const project = remembered(); // before the first drawing, which remembers anew
    const end = mount(model, el, shell);
    const sleep = watching(el);
    const unfollow = following(model);
    const endKeys = stationKeys(el);
    const follow = () => inSight(el);
    model.on("change:state", follow);
    model.send({ do: "hello", project, place: parse(location.hash) });
    return () => {
      sleep();
      unfollow();
      endKeys();
      model.off("change:state", follow);
      end();
    };
  },
};
