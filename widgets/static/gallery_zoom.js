// @ts-check
// One image, large: where it came from, why it is here, what is like it, what was decided on it.

import { h } from "./drawing.js";
import { percent } from "./figures.js";
import { choices } from "./gallery_foot.js";
import { markOf } from "./gallery_tile.js";
import { evidence, whyButton } from "./gallery_why.js";
import { badge, icon } from "./marks.js";

/** @import {Act, Details, GalleryState, Near, Ui} from "./review_states" */

/** @param {number} n */
const bytes = (n) =>
  n < 1e6 ? `${Math.max(1, Math.round(n / 1e3))} kB` : `${(n / 1e6).toFixed(1)} MB`;

/** @type {Record<string, string>} */
const SPLITS = { train: "training", valid: "validation", test: "test", "": "no split yet" };

/** The likeliest classes as bars. @param {Details} d @param {string[]} classes */
function likely(d, classes) {
  return h(
    "ul",
    { class: "cu-likely" },
    d.probabilities
      .slice(0, 5)
      .map(([name, p]) =>
        h(
          "li",
          { key: name },
          badge(classes, name),
          h("span", { class: "cu-name", title: name }, name),
          h(
            "span",
            { class: "cu-thin", "aria-hidden": "true" },
            h("span", { style: `width:${p * 100}%` }),
          ),
          h("span", { class: "cu-confidence" }, percent(p, p < 0.01 ? 1 : 0)),
        ),
      ),
  );
}

/** @param {string} title @param {Near[]} images @param {Map<number, string>} pictures @param {string | null} label */
export function like(title, images, pictures, label) {
  return (
    images.length > 0 &&
    h(
      "section",
      {},
      h("h3", {}, title, label && ` ${label}`),
      h(
        "div",
        { class: "cu-near" },
        images.map((one) =>
          h(
            "figure",
            { key: one.id },
            pictures.has(one.id)
              ? h("img", { src: pictures.get(one.id), alt: one.label })
              : h("span", { class: "cu-skeleton" }),
            h("figcaption", {}, one.cosine.toFixed(2)),
          ),
        ),
      ),
    )
  );
}

/** @param {Details} d @param {string[]} classes @param {Map<number, string>} near */
function detailsOf(d, classes, near) {
  const shot = Object.entries({
    camera: d.exif.camera,
    taken: d.exif.taken,
    edited: d.exif.software,
    place: d.exif.gps ? "the file says where it was taken" : "",
  }).filter(([, value]) => value);
  return [
    d.reasons.length > 0 &&
      h(
        "section",
        {},
        h("h3", {}, "Why it is here"),
        h(
          "ul",
          { class: "cu-reasons" },
          d.reasons.map((text) => h("li", {}, text)),
        ),
      ),
    d.probabilities.length > 0 &&
      h(
        "section",
        {},
        h(
          "h3",
          {},
          d.in_sample
            ? "What the model says, which saw it"
            : "What a model says that did not see it",
        ),
        likely(d, classes),
      ),
    like("Most like it among", d.nearest.own, near, d.label),
    d.predicted !== d.label && like("and among", d.nearest.predicted, near, d.predicted),
    h(
      "section",
      {},
      h("h3", {}, "Where it came from"),
      d.sources.map((source) =>
        h(
          "p",
          { class: "cu-path" },
          source.origin,
          source.class !== d.label && ` (listed under ${source.class})`,
        ),
      ),
      h(
        "p",
        { class: "cu-hint" },
        `${d.format} · ${d.width} × ${d.height} · ${bytes(d.bytes)} · ${SPLITS[d.split ?? ""]}`,
      ),
      shot.length > 0 &&
        h("p", { class: "cu-hint" }, shot.map(([name, value]) => `${name}: ${value}`).join(" · ")),
    ),
    d.tags.length > 0 &&
      h(
        "section",
        {},
        h("h3", {}, "Looks like"),
        h(
          "p",
          { class: "cu-hint" },
          d.tags
            .slice(0, 3)
            .map(([name, p]) => `${name.split(",")[0]} ${percent(p, 0)}`)
            .join(" · "),
        ),
      ),
    h(
      "section",
      {},
      h("h3", {}, "What was decided"),
      d.history.length === 0
        ? h("p", { class: "cu-hint" }, "Nothing yet.")
        : h(
            "ul",
            { class: "cu-reasons" },
            d.history.map((row) =>
              h(
                "li",
                {},
                `${row.words}`,
                h(
                  "span",
                  { class: "cu-hint" },
                  ` ${row.by}, ${row.at.slice(0, 16).replace("T", " ")}`,
                ),
              ),
            ),
          ),
    ),
  ];
}

/** @param {GalleryState} s @param {Ui} ui @param {Act} act */
export function zoomBox(s, ui, act) {
  const item = s.tiles[ui.focus];
  const z = ui.zoom;
  if (!item || !z) return null;
  const fresh = z.id === item.id;
  const mark = markOf(item);
  const src = (fresh && z.url) || ui.pictures.get(item.id) || "";
  return h(
    "div",
    {
      class: "cu-zoom",
      role: "dialog",
      "aria-modal": "true",
      "aria-label": `${item.label}, enlarged`,
      tabindex: -1,
    },
    h(
      "div",
      { class: "cu-large" },
      ui.why && fresh
        ? evidence(s, z, src, item.label)
        : h("img", { src, alt: item.label, ondblclick: act.close, key: item.id }),
      whyButton(ui, act),
      mark && h("span", { class: `cu-mark cu-is-${item.state}` }, mark),
    ),
    h(
      "aside",
      { class: "cu-details", "aria-label": "About this image", tabindex: 0 },
      h(
        "div",
        { class: "cu-row cu-spread" },
        h(
          "h2",
          { class: "cu-label" },
          badge(s.classes, item.label),
          h("span", { class: "cu-name", title: item.label }, item.label),
        ),
        h(
          "button",
          { class: "cu-quiet", "aria-label": "Close", onclick: act.close },
          icon("cross"),
        ),
      ),
      fresh && z.details
        ? detailsOf(z.details, s.classes, z.near)
        : h("p", { class: "cu-hint" }, "…"),
    ),
    h(
      "div",
      { class: "cu-zoom-foot" },
      h(
        "button",
        {
          class: "cu-button",
          "aria-label": "Previous image",
          disabled: ui.focus === 0,
          onclick: () => act.move(ui.focus - 1),
        },
        "‹",
      ),
      h(
        "div",
        { class: "cu-actions cu-many", role: "toolbar", "aria-label": "Decisions on this image" },
        choices(s, s.tiles.length, act),
        h(
          "button",
          { class: "cu-button", key: "undo", disabled: !s.can_undo, onclick: act.undo },
          h("kbd", { "aria-hidden": "true" }, "U"),
          "undo",
        ),
      ),
      h(
        "button",
        {
          class: "cu-button",
          "aria-label": "Next image",
          disabled: ui.focus >= s.tiles.length - 1,
          onclick: () => act.move(ui.focus + 1),
        },
        "›",
      ),
    ),
  );
}
