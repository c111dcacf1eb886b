// @ts-check
// No project yet: make one, open one, or try the sample.

import { h, mount } from "./drawing.js";
import { fieldsOf } from "./forms.js";
import { problem } from "./marks.js";

/** @import {Context, Send} from "./types" */
/** @import {StartState} from "./states" */

/** @param {StartState} state @param {Send} send */
function start(state, send) {
  return h(
    "div",
    { class: "cu-panel cu-start" },
    h(
      "section",
      { class: "cu-card" },
      h("h1", {}, "New project"),
      h(
        "p",
        { class: "cu-hint" },
        "Paste addresses of images, get a clean data set and a classifier.",
      ),
      h(
        "form",
        { onsubmit: (e) => send({ do: "create", ...fieldsOf(e) }) },
        h(
          "label",
          {},
          "Name",
          h("input", {
            name: "name",
            required: true,
            placeholder: "bears",
            autocomplete: "off",
            autofocus: true,
          }),
        ),
        h(
          "label",
          {},
          "Classes, one a line or with commas between",
          h("textarea", {
            name: "classes",
            rows: 3,
            placeholder: "black\ngrizzly\nteddy",
            spellcheck: "false",
          }),
        ),
        h(
          "label",
          {},
          "Folder for projects",
          h("input", {
            name: "folder",
            value: state.home,
            autocomplete: "off",
            spellcheck: "false",
          }),
        ),
        h(
          "label",
          {
            title:
              "Every decision says by whom it was made; the log of the review can change the name",
          },
          "Your name, to sign decisions with",
          h("input", {
            name: "reviewer",
            value: state.reviewer,
            autocomplete: "name",
            maxlength: 80,
          }),
        ),
        problem(state.errors.create),
        h(
          "div",
          { class: "cu-row" },
          h("button", { class: "cu-button cu-primary", type: "submit" }, "Make the project"),
          h(
            "button",
            { class: "cu-link", type: "button", onclick: () => send({ do: "sample" }) },
            "try it with the sample",
          ),
        ),
      ),
    ),
    h(
      "section",
      { class: "cu-card" },
      h("h1", {}, "Open a project"),
      state.recent.length === 0 &&
        h("p", { class: "cu-hint" }, "Projects that you open are listed here."),
      h(
        "ul",
        { class: "cu-recent" },
        state.recent.map((item) =>
          h(
            "li",
            { key: item.path },
            h(
              "button",
              { class: "cu-open", onclick: () => send({ do: "open", path: item.path }) },
              h("strong", {}, item.name),
              h("span", { class: "cu-path" }, item.path),
            ),
          ),
        ),
      ),
      h(
        "form",
        { onsubmit: (e) => send({ do: "open", ...fieldsOf(e) }) },
        h(
          "label",
          {},
          "Folder of a project",
          h("input", { name: "path", required: true, autocomplete: "off", spellcheck: "false" }),
        ),
        problem(state.errors.open),
        h("button", { class: "cu-button", type: "submit" }, "Open"),
      ),
    ),
  );
}

export default {
  /** @param {Context<StartState>} context */
  render({ model, el }) {
    return mount(model, el, start);
  },
};
