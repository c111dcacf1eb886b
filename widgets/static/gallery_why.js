// @ts-check
// Why the model says what it says: the evidence for label and prediction, over the enlarged picture.

import { h } from "./drawing.js";
import { percent } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Send} from "./types" */
/** @import {Act, GalleryState, Ui, WhyMessage, Zoom} from "./review_states" */

/** Show the evidence or the plain picture, on this image and those after it.
 * @param {Ui} ui @param {Send} send */
export function switchWhy(ui, send) {
  if (!ui.zoom) return;
  ui.why = !ui.why;
  askWhy(ui, send);
}

/** Ask for the evidence of the image that is enlarged, where it is shown and not here yet.
 * @param {Ui} ui @param {Send} send */
export function askWhy(ui, send) {
  if (ui.why && ui.zoom && !ui.zoom.why) send({ do: "why", id: ui.zoom.id });
}

/** @param {Ui} ui @param {WhyMessage} message @param {(place: number) => string} url */
export function receiveWhy(ui, message, url) {
  if (!ui.zoom || ui.zoom.id !== message.id || ui.zoom.why) return;
  const urls = message.classes.map((_, place) => url(place));
  ui.zoom.why = { ...message, urls };
}

/** Let the pictures of an enlarged image go. @param {Zoom | null} zoom */
export function forget(zoom) {
  if (zoom?.url) URL.revokeObjectURL(zoom.url);
  for (const url of [...(zoom?.near.values() ?? []), ...(zoom?.why?.urls ?? [])])
    URL.revokeObjectURL(url);
}

/** What switches it, on the picture. @param {Ui} ui @param {Act} act */
export function whyButton(ui, act) {
  return h(
    "button",
    {
      class: "cu-button cu-why-button",
      key: "why-button",
      "aria-pressed": String(ui.why),
      title: "Where the evidence for the label and the prediction lies",
      onclick: act.why,
    },
    h("kbd", { "aria-hidden": "true" }, "W"),
    "why",
  );
}

/** The picture once for each class, in grey below its evidence. @param {GalleryState} s @param {Zoom} zoom @param {string} src @param {string} alt */
export function evidence(s, zoom, src, alt) {
  const why = zoom.why;
  if (!why?.classes.length)
    return [
      h("img", { src, alt, key: "plain" }),
      h(
        "p",
        { class: "cu-why-said", role: "status", key: "said" },
        why ? why.said : "Looking for the evidence …",
      ),
    ];
  return h(
    "div",
    {
      class: "cu-why",
      style: `grid-template-columns:repeat(${why.classes.length},minmax(0,1fr))`,
      key: "why",
      role: "group",
      "aria-label": why.said,
    },
    why.classes.map((item, place) =>
      h(
        "figure",
        { key: item.name },
        h(
          "div",
          { class: "cu-why-picture" },
          h("img", { class: "cu-why-below", src, alt: place ? "" : alt }),
          h("img", { class: "cu-why-map", src: why.urls[place], alt: "" }),
        ),
        h(
          "figcaption",
          {},
          badge(s.classes, item.name),
          h("strong", {}, item.name),
          ` ${item.is_label ? "its label" : "predicted"}`,
          item.probability !== null && `, ${percent(item.probability, 0)}`,
        ),
      ),
    ),
    h(
      "p",
      { class: "cu-why-note", key: "note" },
      h("span", { class: "cu-why-for" }, "orange"),
      " speaks for it, ",
      h("span", { class: "cu-why-against" }, "blue"),
      " against it. ",
      why.exact
        ? "Exact: its mean is the score."
        : "Approximate: parts of the picture were covered in turn.",
    ),
  );
}
