// @ts-check
// The test split: put aside with how many of each class said before, judged on, given back.

import { h } from "./drawing.js";
import { count, interval, many, percent } from "./figures.js";

/** @import {Send} from "./types" */
/** @import {HeldOut, UseState} from "./use_states" */

const NAMED = 8; // classes that are counted one by one

/** @param {UseState} state @param {Send} send */
export function test(state, send) {
  const held = state.held_out;
  if (!held) return null;
  const aside = held.classes.reduce((sum, item) => sum + item.before, 0);
  return h(
    "div",
    { key: "test", "data-part": "test" },
    h("h3", {}, "The test"),
    aside ? judged(state, send, aside) : offer(state, send, held),
    state.errors.test && h("p", { class: "cu-error" }, state.errors.test),
  );
}

/** @param {UseState} state @param {Send} send @param {HeldOut} held */
function offer(state, send, held) {
  const none = "No image is put aside to judge the finished model by.";
  if (!held.moved)
    return h("p", { class: "cu-hint" }, `${none} Every class needs three images after a check.`);
  return [
    h("p", { class: "cu-hint", key: "why" }, `${none} It would be ${drawn(held)}.`),
    button(state, send, {
      do: "draw_test",
      share: held.share,
      says: `Put ${percent(held.share, 0)} aside as a test`,
      title: "No training sees them from then on, nor what is drawn of images that come later",
    }),
  ];
}

/** How many of each class. @param {HeldOut} held */
export function drawn(held) {
  if (held.classes.length > NAMED) {
    const all = held.classes.reduce((sum, item) => sum + item.images, 0);
    return `${count(held.moved)} of ${count(all)} images in ${count(held.classes.length)} classes`;
  }
  return held.classes
    .map((item) => `${item.label} ${count(item.after - item.before)} of ${count(item.images)}`)
    .join(", ");
}

/** @param {UseState} state @param {Send} send @param {number} aside */
function judged(state, send, aside) {
  const { tested, run, held_out: held } = state;
  const fresh = tested !== null && run !== null && tested.learnt < aside;
  return [
    h(
      "p",
      { class: "cu-hint", key: "tested", "data-tested": tested?.looks ?? 0 },
      ...said(state, aside),
    ),
    h(
      "div",
      { class: "cu-outcome-row", key: "acts" },
      fresh
        ? button(state, send, {
            do: "evaluate",
            run: run.run,
            says: "Judge on the test set",
            title: "Each look is counted: who looks and then chooses has chosen by the test images",
          })
        : button(state, send, {
            do: "go",
            station: "train",
            says: run ? "Train again" : "Train",
            title: "A training sees no test image",
          }),
      held !== null &&
        held.moved > 0 &&
        h(
          "button",
          {
            class: "cu-link",
            type: "button",
            disabled: state.busy || !state.can_write,
            title: "They are for training and validation again",
            onclick: () => send({ do: "draw_test", share: 0 }),
          },
          "Take back",
        ),
    ),
  ];
}

/** @param {UseState} state @param {number} aside */
function said({ tested, run }, aside) {
  const lie = aside === 1 ? "lies" : "lie";
  if (!tested || !run) return [`${many(aside, "image")} ${lie} aside: no training sees them.`];
  if (tested.rate)
    return [
      h("strong", {}, `${percent(1 - (tested.rate.error ?? 1))} right`),
      ` on ${many(tested.rate.images, "test image")} (error ${interval(tested.rate)}), `,
      `looked at ${many(tested.looks, "time")}.`,
    ];
  if (!tested.learnt) return [`Not judged on the ${many(aside, "test image")} yet.`];
  const rest = aside - tested.learnt;
  return [
    `${many(aside, "image")} ${lie} aside, but ${run.title} has learnt from `,
    rest ? `${count(tested.learnt)}: it can be judged on the other ${count(rest)}.` : "them: ",
    rest ? "" : "train again, then judge.",
  ];
}

/**
 * @param {UseState} state @param {Send} send
 * @param {{do: string, says: string, title: string, share?: number, run?: number, station?: string}} what
 */
function button(state, send, { says, title, ...message }) {
  const writes = message.do !== "go";
  return h(
    "button",
    {
      class: "cu-button",
      type: "button",
      key: message.do,
      title,
      disabled: writes && (state.busy || !state.can_write),
      onclick: () => send(message),
    },
    says,
  );
}
