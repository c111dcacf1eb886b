// @ts-check
// Near-duplicates side by side, a group a row: which of them stay is decided by a click or a key.

import { FIELDS } from "./decision_keys.js";
import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Context, Send} from "./types" */
/** @import {CheckState, Duplicate, DuplicateGroup, Pairs} from "./states" */
/** @import {PicturesMessage} from "./review_states" */

/** @typedef {{at: number}} Own the group that keys act on */

/** What became of an image, "" while nothing did. @param {Duplicate} image @param {DuplicateGroup} group */
function outcome(image, group) {
  if (group.dismissed) return "stays";
  if (image.state === "deleted") return "in the trash";
  return group.images.some((other) => other.state === "deleted") ? "stays" : "";
}

/** Whether something was decided on the group. @param {DuplicateGroup} group */
export function isDone(group) {
  return group.images.some((image) => outcome(image, group));
}

/** The next group that nothing was decided on, or the last. @param {DuplicateGroup[]} groups @param {number} from */
export function nextOpen(groups, from) {
  const next = groups.findIndex((group, place) => place > from && !isDone(group));
  return next < 0 ? Math.min(from, Math.max(0, groups.length - 1)) : next;
}

/** What a key asks for: ids that stay, "best" of every group, a step, or nothing.
 * @param {string} key @param {DuplicateGroup | undefined} group @param {string[]} [tags]
 * @returns {{keep: number[]} | {do: "best" | "undo"} | {step: number} | null} */
export function asked(key, group, tags = []) {
  if (tags.some((tag) => FIELDS.includes(tag))) return null;
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (name === "ArrowDown") return { step: 1 };
  if (name === "ArrowUp") return { step: -1 };
  if (name === "u") return { do: "undo" };
  if (name === "b") return { do: "best" };
  if (!group || isDone(group)) return null;
  const ids = group.images.map((image) => image.id);
  if (name === "a" || name === "k") return { keep: ids };
  const pair = ids.length === 2;
  if (name === "ArrowLeft" && pair) return { keep: ids.slice(0, 1) };
  if (name === "ArrowRight" && pair) return { keep: ids.slice(1) };
  const one = /^[1-9]$/.test(name) ? ids[Number(name) - 1] : undefined;
  return one === undefined ? null : { keep: [one] };
}

/** The end of a source, by which files and addresses are told apart. @param {string} source */
function shortly(source) {
  const [address] = source.split(/[?#]/);
  const host = /^https?:\/\/([^/]+)/.exec(source)?.[1];
  const file = decoded(address.split("/").at(-1) ?? "");
  return host ? `${file || "/"} · ${host}` : file;
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {number} bytes */
function weight(bytes) {
  return bytes < 1e6
    ? `${Math.max(1, Math.round(bytes / 1e3))} kB`
    : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** One image with what tells it from the others. @param {CheckState} state @param {DuplicateGroup} group
 * @param {number} place @param {Map<number, string>} pictures @param {(ids: number[]) => void} keep */
function side(state, group, place, pictures, keep) {
  const image = group.images[place];
  const became = outcome(image, group);
  const best = place === 0 && !group.labels_differ;
  const differs = (/** @type {(one: Duplicate) => unknown} */ of) =>
    group.images.some((other) => of(other) !== of(image)) ? "cu-differs" : "";
  return h(
    "figure",
    {
      class: `cu-side-of${became === "in the trash" ? " cu-gone" : ""}`,
      key: image.id,
      "data-id": image.id,
    },
    h(
      "button",
      {
        class: "cu-picture",
        disabled: isDone(group),
        "aria-label": `Keep ${place + 1} of ${group.images.length}: ${image.label}, ${image.width} by ${image.height}`,
        title: `Keep this one (${place + 1})`,
        onclick: () => keep([image.id]),
      },
      pictures.has(image.id)
        ? h("img", { src: pictures.get(image.id), alt: "", draggable: "false" })
        : h("span", { class: "cu-skeleton" }),
      h("span", { class: "cu-place" }, place + 1),
      (became || best) &&
        h("span", { class: `cu-became${became ? "" : " cu-best"}` }, became || "best"),
    ),
    h(
      "figcaption",
      {},
      h(
        "span",
        { class: `cu-label ${differs((one) => one.label)}` },
        badge(state.names, image.label),
        h("span", { class: "cu-name", title: image.label }, image.label),
      ),
      h(
        "span",
        {
          class: `cu-figures ${differs((one) => `${one.width} ${one.height} ${weight(one.bytes)}`)}`,
        },
        `${image.width} × ${image.height} · ${weight(image.bytes)}`,
      ),
      h("span", { class: "cu-path cu-name", title: image.source }, shortly(image.source)),
    ),
  );
}

/** A group with its buttons. @param {CheckState} state @param {DuplicateGroup} group @param {boolean} current
 * @param {Map<number, string>} pictures @param {(ids: number[]) => void} keep @param {() => void} point */
function row(state, group, current, pictures, keep, point) {
  const ids = group.images.map((image) => image.id);
  const done = isDone(group);
  const button = (
    /** @type {string} */ words,
    /** @type {string} */ key,
    /** @type {number[]} */ kept,
  ) =>
    h(
      "button",
      { class: "cu-button", key: words, disabled: done, onclick: () => keep(kept) },
      h("kbd", {}, key),
      words,
    );
  const pair = ids.length === 2;
  return h(
    "li",
    {
      class: `cu-pair${current ? " cu-current" : ""}${done ? " cu-decided" : ""}`,
      key: group.id,
      "data-group": group.id,
      "aria-current": current ? "true" : null,
      onclick: point,
    },
    h(
      "div",
      { class: "cu-sides" },
      ids.map((_, place) => side(state, group, place, pictures, keep)),
    ),
    h(
      "div",
      { class: "cu-row" },
      pair && button("keep left", "←", ids.slice(0, 1)),
      pair && button("keep right", "→", ids.slice(1)),
      button(pair ? "keep both" : `keep all ${ids.length}`, "A", ids),
      !pair && h("span", { class: "cu-hint" }, "or click the one to keep"),
      group.labels_differ &&
        h("strong", { class: "cu-warned" }, "different classes: at most one is right"),
    ),
  );
}

/** The view. @param {CheckState} state @param {Pairs} pairs @param {Own} own @param {Map<number, string>} pictures
 * @param {Send} send @param {() => void} redraw */
export function sideBySide(state, pairs, own, pictures, send, redraw) {
  const keep = (/** @type {DuplicateGroup} */ group, /** @type {number[]} */ ids) => {
    if (!isDone(group)) send({ do: "keep", ids, seen: seenOf(group) });
  };
  const last = Math.min(pairs.first + pairs.groups.length, pairs.total);
  return h(
    "div",
    { class: "cu-panel cu-pairs", "data-part": "pairs" },
    h(
      "div",
      { class: "cu-pairs-head" },
      h(
        "button",
        { class: "cu-button", onclick: () => send({ do: "pairs", first: null }) },
        "‹ Check",
      ),
      h("h1", {}, "Near-duplicates side by side"),
      h(
        "span",
        { class: "cu-hint" },
        pairs.total ? `${pairs.first + 1}–${last} of ${many(pairs.total, "group")}` : "",
      ),
      h(
        "button",
        {
          class: "cu-button cu-primary",
          disabled: !pairs.spare,
          title:
            "Of every group of one class the best stays; the others go to the trash. One undo takes it back.",
          onclick: () => send({ do: "keep_best" }),
        },
        h("kbd", {}, "B"),
        `Keep the best of every group: ${count(pairs.spare)} to the trash`,
      ),
      h(
        "p",
        { class: "cu-status", role: "status", "aria-live": "polite" },
        state.said,
        state.can_undo && " ",
        state.can_undo &&
          h("button", { class: "cu-link", onclick: () => send({ do: "undo" }) }, "Undo (U)"),
      ),
    ),
    pairs.total === 0 && h("p", {}, "No image is there twice."),
    h(
      "ol",
      { class: "cu-pair-list" },
      pairs.groups.map((group, place) =>
        row(
          state,
          group,
          place === own.at,
          pictures,
          (ids) => keep(group, ids),
          () => {
            own.at = place;
            redraw();
          },
        ),
      ),
    ),
    pairs.total > pairs.groups.length &&
      h(
        "div",
        { class: "cu-row" },
        h(
          "button",
          {
            class: "cu-button",
            disabled: pairs.first === 0,
            onclick: () => send({ do: "pairs", first: Math.max(0, pairs.first - pairs.page) }),
          },
          "‹ earlier groups",
        ),
        h(
          "button",
          {
            class: "cu-button",
            disabled: last >= pairs.total,
            onclick: () => send({ do: "pairs", first: pairs.first + pairs.page }),
          },
          "more groups ›",
        ),
      ),
  );
}

/** The last decision on each image as it is shown. @param {DuplicateGroup} group */
export function seenOf(group) {
  return group.images.map((image) => [image.id, image.decision_id]);
}

/** The keys of the groups side by side, wherever the focus is.
 * @param {Context<CheckState, PicturesMessage>["model"]} model @param {HTMLElement} el
 * @param {{pair: Own, redraw: () => void}} shown */
export function pairKeys(model, el, shown) {
  let first = -1;
  let waits = 0; // the group that nothing was decided on when it was last seen under the keys
  let sent = 0; // the group that was just decided on: its key counts once
  let said = "";
  let visits = 0; // addresses that named a group
  let told = 0; // the group that the kernel knows of
  const goTo = (/** @type {number} */ at) => {
    const { pairs } = model.get("state");
    const group = pairs?.groups[at];
    shown.pair.at = at;
    tell();
    waits = group && !isDone(group) ? group.id : 0;
    shown.redraw();
    el.querySelector(".cu-pair.cu-current")?.scrollIntoView({ block: "nearest" });
  };
  /** Tell the kernel which group is under the keys, for the address. */
  function tell() {
    const group = model.get("state").pairs?.groups[shown.pair.at];
    if (!group || group.id === told) return;
    told = group.id;
    model.send({ do: "at", group: told });
  }
  const changed = () => {
    const state = model.get("state");
    const { pairs } = state;
    const group = pairs?.groups[shown.pair.at];
    if (state.said !== said) sent = 0;
    said = state.said;
    const [number, named] = pairs?.visit ?? [visits, 0];
    const asked = pairs?.groups.findIndex((one) => one.id === named) ?? -1;
    if (pairs && number !== visits && asked >= 0) {
      [visits, first, told] = [number, pairs.first, named];
      window.requestAnimationFrame(() => goTo(asked));
    } else if (pairs?.first !== first) {
      first = pairs ? pairs.first : -1;
      told = 0;
      if (pairs) window.requestAnimationFrame(() => goTo(nextOpen(pairs.groups, -1)));
    } else if (pairs && group && group.id === waits && isDone(group)) {
      waits = 0; // one decision is told by several changes, which may come before the next frame
      window.requestAnimationFrame(() => goTo(nextOpen(pairs.groups, shown.pair.at)));
    }
  };
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const { pairs } = model.get("state");
    if (!pairs || !el.offsetParent || el.closest("[inert]")) return;
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const group = pairs.groups[shown.pair.at];
    const what = asked(event.key, group, [/** @type {Element} */ (event.target).tagName]);
    if (!what || (event.repeat && !("step" in what))) return;
    event.preventDefault();
    if ("step" in what)
      goTo(Math.max(0, Math.min(pairs.groups.length - 1, shown.pair.at + what.step)));
    else if ("keep" in what && group.id !== sent) {
      sent = group.id;
      model.send({ do: "keep", ids: what.keep, seen: seenOf(group) });
    } else if ("do" in what) model.send({ do: what.do === "best" ? "keep_best" : "undo" });
  };
  model.on("change:state", changed);
  document.addEventListener("keydown", keyed);
  el.addEventListener("click", tell); // after the group's own handler
  changed(); // what is open when the page is drawn
  return {
    end() {
      model.off("change:state", changed);
      document.removeEventListener("keydown", keyed);
      el.removeEventListener("click", tell);
    },
  };
}
