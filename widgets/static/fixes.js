// @ts-check
// Suggested fixes: a card each, with its images; an image whose box is unticked is left out.

import { drawn, h } from "./drawing.js";
import { count, many } from "./figures.js";
import { holding } from "./held_pictures.js";
import { badge, problem } from "./marks.js";
import { folded, section } from "./section.js";

/** @import {Context, Send} from "./types" */
/** @import {Fix, FixesState, FixTile, PicturesMessage} from "./review_states" */

/** @typedef {{pictures: Map<number, string>, out: Set<string>}} Ticks `out`: key of the suggestion and image */
/** @typedef {{open: boolean, pictures: Map<number, string>, out: Set<string>}} Fixes `out`: key of the suggestion and image */

/** A fix with its pictures and the button that makes it, in Check and in the drawer of Review.
 * @param {{names: string[], errors: Record<string, string>}} state @param {Fix} fix @param {Ticks} own
 * @param {Send} send @param {() => void} redraw
 * @param {(ids: number[]) => void} [fine] says that what is unticked is no problem */
export function card(state, fix, own, send, redraw, fine) {
  const key = (/** @type {FixTile} */ tile) => `${fix.key} ${tile.id}`;
  const out = fix.preview.filter((tile) => own.out.has(key(tile)));
  const left = fix.images - out.length;
  const tile = (/** @type {FixTile} */ one) =>
    h(
      "label",
      { class: "cu-fix-tile", key: one.id, title: one.source, "data-out": own.out.has(key(one)) },
      h(
        "span",
        { class: "cu-picture" },
        own.pictures.has(one.id)
          ? h("img", { src: own.pictures.get(one.id), alt: "", draggable: "false" })
          : h("span", { class: "cu-skeleton" }),
        h("input", {
          type: "checkbox",
          checked: !own.out.has(key(one)),
          "aria-label": `Image ${one.id}, ${one.label}${one.becomes ? `, would become ${one.becomes}` : ""}`,
          onchange: (event) => {
            if (event.target.checked) own.out.delete(key(one));
            else own.out.add(key(one));
            redraw();
          },
        }),
      ),
      h(
        "span",
        { class: "cu-label" },
        badge(state.names, one.label),
        h("span", { class: "cu-name" }, one.label),
      ),
      one.becomes &&
        h(
          "span",
          { class: "cu-label", title: `would become ${one.becomes}` },
          "▸",
          badge(state.names, one.becomes),
          h("span", { class: "cu-name" }, one.becomes),
        ),
    );
  return h(
    "article",
    { class: "cu-fix", key: fix.key, "data-fix": fix.key },
    h("h3", {}, fix.title),
    h("p", { class: "cu-hint" }, fix.why),
    h(
      "div",
      { class: "cu-fix-tiles", role: "group", "aria-label": `Images of: ${fix.title}` },
      fix.preview.map(tile),
    ),
    problem(state.errors[fix.key]),
    h(
      "div",
      { class: "cu-row" },
      h(
        "button",
        {
          class: "cu-button",
          disabled: left === 0,
          onclick: () => send({ do: "apply", key: fix.key, leave_out: out.map((one) => one.id) }),
        },
        `${fix.action}: ${many(left, "image")}`,
      ),
      fine &&
        out.length > 0 &&
        h(
          "button",
          { class: "cu-link", onclick: () => fine(out.map((one) => one.id)) },
          `Not a problem: the ${out.length === 1 ? "one" : count(out.length)} unticked`,
        ),
      h(
        "span",
        { class: "cu-hint" },
        fix.images > fix.preview.length
          ? `The first ${fix.preview.length} of ${count(fix.images)} are shown.`
          : "Untick what should stay.",
      ),
    ),
  );
}

/** @param {FixesState} state @param {Fixes} own @param {Send} send @param {() => void} redraw */
function fixes(state, own, send, redraw) {
  const figure =
    state.counted && (state.fixes.length ? many(state.fixes.length, "suggestion") : "none");
  return section("fixes", "Suggested fixes", figure, state, own, send, () => [
    h("p", { class: "cu-status", role: "status", "aria-live": "polite" }, state.said),
    state.fixes.length
      ? h(
          "div",
          { class: "cu-fix-list" },
          state.fixes.map((fix) => card(state, fix, own, send, redraw)),
        )
      : h(
          "p",
          {},
          "Nothing to suggest: no copies, contradicted labels or empty pictures among the undecided images. Go on page by page.",
        ),
  ]);
}

export default {
  /** @param {Context<FixesState, PicturesMessage>} context */
  render({ model, el }) {
    const held = holding(model, () => page.redraw());
    /** @type {Fixes} */
    const own = { ...folded(model), pictures: held.pictures, out: new Set() };
    const page = drawn(model, el, (state, send) => fixes(state, own, send, () => page.redraw()));
    held.ask();
    return () => {
      page.end();
      held.end();
    };
  },
};
