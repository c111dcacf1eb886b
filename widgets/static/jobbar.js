// @ts-check
// One bar for every long action: what, how far, how fast, what failed, cancel; then what came of it.

import { h, mount } from "./drawing.js";
import { count } from "./figures.js";
import { icon } from "./marks.js";

/** @import {Context, Send} from "./types" */
/** @import {JobBarState} from "./states" */

/** @param {number} seconds */
function left(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s left`;
  return `${Math.round(seconds / 60)} min left`;
}

/** What the project came with and nobody here asked for. @param {JobBarState} state @param {Send} send */
function jobs(state, send) {
  return h(
    "div",
    { class: "cu-jobs" },
    state.offers.map((offer) =>
      h(
        "div",
        { class: "cu-jobbar cu-offer", role: "status", key: offer.id },
        icon("alert"),
        h(
          "span",
          { class: "cu-sentence" },
          `Was waiting when this project was last open, and is not run unless you say so: ${offer.text}`,
        ),
        h(
          "button",
          { class: "cu-button", onclick: () => send({ do: "run_offer", id: offer.id }) },
          "Run it",
        ),
        h(
          "button",
          { class: "cu-button", onclick: () => send({ do: "drop_offer", id: offer.id }) },
          "Dismiss it",
        ),
      ),
    ),
    jobbar(state, send),
  );
}

/** @param {JobBarState} state @param {Send} send */
function jobbar(state, send) {
  const job = state.job;
  if (!job) return h("div", { class: "cu-jobbar cu-idle", role: "status", "aria-live": "polite" });
  if (!job.open) {
    const { next } = job;
    // Work that came to its end is not yet a success: what the station makes of it decides.
    const look = job.state === "done" ? (job.verdict ?? "done").replace(" ", "-") : job.state;
    return h(
      "div",
      { class: `cu-jobbar cu-${look}`, role: "status", "aria-live": "polite" },
      icon(look === "done" ? "check" : "alert"),
      h("span", { class: "cu-sentence", title: job.details }, job.text),
      next &&
        h(
          "button",
          {
            class: "cu-button",
            key: next.station,
            onclick: () => send({ do: "go", station: next.station }),
          },
          next.title,
        ),
      job.again &&
        h(
          "button",
          {
            class: "cu-button",
            key: "again",
            onclick: () => send({ do: "again", id: job.id }),
          },
          "Start again",
        ),
      h(
        "button",
        {
          class: "cu-quiet",
          key: "dismiss",
          "aria-label": "Dismiss",
          onclick: () => send({ do: "dismiss", id: job.id }),
        },
        icon("cross"),
      ),
    );
  }
  if (job.silent) {
    return h(
      "div",
      { class: "cu-jobbar cu-failed", key: "silent", role: "status", "aria-live": "polite" },
      icon("alert"),
      h("span", { class: "cu-sentence" }, job.silent),
      h(
        "button",
        { class: "cu-button", onclick: () => send({ do: "end" }) },
        `End process ${job.process}`,
      ),
    );
  }
  const share = job.total ? job.done / job.total : null;
  // What was got stands in the header and the rail, for the whole project.
  const notes = Object.entries(job.counts)
    .filter(([name]) => name !== "images")
    .map(([name, number]) => `${number} ${name.replaceAll("_", " ")}`)
    .join(" · ");
  return h(
    "div",
    { class: "cu-jobbar cu-running", key: "running", role: "status", "aria-live": "off" },
    h("span", { class: "cu-job" }, job.state === "queued" ? "starting…" : job.message || job.kind),
    h(
      "div",
      {
        class: share === null ? "cu-bar cu-unknown" : "cu-bar",
        role: "progressbar",
        "aria-label": job.message || job.kind,
        "aria-valuenow": share === null ? null : Math.round(share * 100),
        "aria-valuemin": 0,
        "aria-valuemax": 100,
      },
      h("span", { style: `width:${share === null ? 30 : share * 100}%` }),
    ),
    job.total !== null && h("span", { class: "cu-far" }, `${count(job.done)}/${count(job.total)}`),
    h("span", { class: "cu-notes" }, notes),
    job.left !== null && h("span", { class: "cu-left" }, left(job.left)),
    h(
      "button",
      {
        class: "cu-button",
        disabled: job.cancel,
        onclick: () => send({ do: "cancel", id: job.id }),
      },
      job.cancel ? "Stopping…" : "Cancel",
    ),
  );
}

export default {
  /** @param {Context<JobBarState>} context */
  render({ model, el }) {
    return mount(model, el, jobs);
  },
};
