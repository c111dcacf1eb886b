// @ts-check
// What gave no image, a row a group: how many, why, and what can be done.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";

/** @import {Send} from "./types" */
/** @import {CollectState, FailureExample, FailureGroup} from "./states" */

const ROBOTS =
  "By the header X-Robots-Tag these sites ask that their images are not used for training or data sets. If you fetch them all the same, whether you may is yours to answer for.";

/** @param {FailureExample} example */
function facts(example) {
  return [
    example.detail,
    example.http_status && `status ${example.http_status}`,
    example.attempts > 1 && many(example.attempts, "attempt"),
    example.seconds && `${example.seconds.toFixed(1)} s`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** @param {CollectState} state @param {Send} send @param {{code: string | null}} copied */
export function triage(state, send, copied) {
  if (!state.failures.length) return null;
  const again = (/** @type {FailureGroup} */ group, /** @type {string} */ words) =>
    h(
      "button",
      {
        class: "cu-button",
        type: "button",
        disabled: state.busy,
        "aria-label": `${words}: ${group.title}`,
        onclick: () => send({ do: "again", code: group.code }),
      },
      words,
    );
  const failed = state.failures.some((group) => group.retry && !group.allow);
  return h(
    "div",
    {},
    h("h2", {}, "What gave no new image"),
    h(
      "ul",
      { class: "cu-failures" },
      state.failures.map((group) =>
        h(
          "li",
          {
            key: group.code,
            "data-group": group.code,
            class:
              group.allow === "allow_private"
                ? "cu-allow"
                : !group.retry || group.allow
                  ? "cu-still"
                  : null,
          },
          h(
            "details",
            {},
            h("summary", {}, h("strong", {}, count(group.count)), " ", group.title),
            h("p", { class: "cu-hint" }, group.explanation, " ", group.next_step),
            group.allow === "ignore_robots" &&
              h(
                "div",
                { class: "cu-choice" },
                h("p", { class: "cu-hint" }, ROBOTS),
                again(group, "Fetch anyway"),
              ),
            h(
              "ul",
              { class: "cu-examples" },
              group.examples.map((example) =>
                h(
                  "li",
                  {},
                  h("div", { class: "cu-path", title: example.address }, example.address),
                  h("div", { class: "cu-hint" }, facts(example)),
                ),
              ),
            ),
            h(
              "button",
              {
                class: "cu-link",
                type: "button",
                onclick: () => send({ do: "copy", code: group.code }),
              },
              copied.code === group.code
                ? "Copied"
                : `Copy ${group.count === 1 ? "this address" : `these ${count(group.count)} addresses`}`,
            ),
          ),
          group.retry && !group.allow && again(group, "Try again"),
          group.retry && group.allow === "allow_private" && again(group, "Allow and try again"),
        ),
      ),
    ),
    failed &&
      state.failures.length > 1 &&
      h(
        "div",
        { class: "cu-row" },
        h(
          "button",
          {
            class: "cu-button",
            type: "button",
            disabled: state.busy,
            onclick: () => send({ do: "fetch", retry: "all" }),
          },
          "Try all failed again",
        ),
      ),
  );
}
