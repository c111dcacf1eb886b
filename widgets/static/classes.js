// @ts-check
// The class editor. One class at a time is renamed or merged, in its own row.

import { drawn, h } from "./drawing.js";
import { count, many } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { badge, problem } from "./marks.js";
import { folded, section } from "./section.js";

/** @import {Context, Send} from "./types" */
/** @import {ClassesState, ClassRow} from "./review_states" */

/** @typedef {{open: boolean, id: number | null, what: string, into: string, tried: boolean, done: number}} Editing */

/** @param {ClassesState} state @param {ClassRow} item @param {Editing} own @param {Send} send @param {(id: number | null, what?: string) => void} edit @param {() => void} redraw */
function editor(state, item, own, send, edit, redraw) {
  const cancel = h(
    "button",
    { class: "cu-button", type: "button", onclick: () => edit(null) },
    "Cancel",
  );
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      edit(null);
    }
  };
  if (own.what === "rename")
    return h(
      "form",
      {
        class: "cu-row cu-edit",
        key: `rename${item.id}`,
        onkeydown: keyed,
        onsubmit: (event) => {
          own.tried = true;
          send({ do: "rename", id: item.id, ...fieldsOf(event) });
        },
      },
      h("input", {
        name: "name",
        value: item.name,
        "aria-label": `New name of ${item.name}`,
        maxlength: 100,
        autocomplete: "off",
        spellcheck: "false",
      }),
      h("button", { class: "cu-button cu-primary" }, "Rename"),
      cancel,
    );
  const others = state.classes.filter((one) => one.id !== item.id);
  const into = others.find((one) => one.name === own.into) ?? others[0];
  return h(
    "form",
    {
      class: "cu-row cu-edit",
      key: `merge${item.id}`,
      onkeydown: keyed,
      onsubmit: (event) => {
        event.preventDefault();
        own.tried = true;
        send({ do: "merge", id: item.id, into: into.id });
      },
    },
    h(
      "label",
      {},
      "Merge into ",
      h(
        "select",
        {
          class: "cu-select",
          name: "into",
          value: into.name,
          onchange: (event) => {
            own.into = event.target.value;
            redraw();
          },
        },
        others.map((one) => h("option", { value: one.name, selected: one === into }, one.name)),
      ),
    ),
    h(
      "button",
      { class: "cu-button cu-primary" },
      h(
        "span",
        { class: "cu-name" },
        `Give ${many(item.images + item.out, "image")} the label ${into.name}`,
      ),
    ),
    cancel,
  );
}

/** @param {ClassesState} state @param {Editing} own @param {Send} send @param {(id: number | null, what?: string) => void} edit @param {() => void} redraw */
function classes(state, own, send, edit, redraw) {
  if (own.done !== state.done) Object.assign(own, { id: null, done: state.done });
  const names = state.classes.map((item) => item.name);
  const row = (/** @type {ClassRow} */ item) =>
    h(
      "li",
      { key: item.id },
      h(
        "div",
        { class: "cu-class-row" },
        badge(names, item.name),
        h("span", { class: "cu-name", title: item.name }, item.name),
        h(
          "span",
          { class: "cu-figure" },
          many(item.images, "image"),
          item.out > 0 && h("span", { class: "cu-hint" }, ` · ${count(item.out)} left out`),
        ),
        h(
          "span",
          { class: "cu-doing" },
          h(
            "button",
            {
              class: "cu-link",
              "data-edit": `rename ${item.id}`,
              "aria-label": `Rename ${item.name}`,
              "aria-expanded": String(own.id === item.id && own.what === "rename"),
              onclick: () => edit(item.id, "rename"),
            },
            "Rename",
          ),
          names.length > 1 &&
            h(
              "button",
              {
                class: "cu-link",
                "data-edit": `merge ${item.id}`,
                "aria-label": `Merge ${item.name} into another class`,
                "aria-expanded": String(own.id === item.id && own.what === "merge"),
                onclick: () => edit(item.id, "merge"),
              },
              "Merge",
            ),
        ),
      ),
      own.id === item.id && editor(state, item, own, send, edit, redraw),
      own.id === item.id && own.tried && problem(state.errors[item.id]),
    );
  return section(
    "classes",
    "Classes",
    state.counted && many(names.length, "class", "classes"),
    state,
    own,
    send,
    () => [
      names.length
        ? h("ul", { class: "cu-class-list cu-window" }, state.classes.map(row))
        : h("p", {}, "No class yet. Name the first one."),
      h(
        "form",
        {
          class: "cu-row cu-edit",
          key: `new${state.done}`,
          onsubmit: (event) => send({ do: "new_class", ...fieldsOf(event) }),
        },
        h("input", {
          name: "name",
          "aria-label": "Name of the new class",
          placeholder: "a new class",
          maxlength: 100,
          autocomplete: "off",
          spellcheck: "false",
        }),
        h("button", { class: "cu-button" }, "Add the class"),
      ),
      problem(state.errors.new),
      h("p", { class: "cu-status", role: "status", "aria-live": "polite" }, state.said),
    ],
  );
}

export default {
  /** @param {Context<ClassesState>} context */
  render({ model, el }) {
    /** @type {Editing} */
    const own = {
      ...folded(model),
      id: null,
      what: "",
      into: "",
      tried: false,
      done: model.get("state").done,
    };
    /** Open the editor of a class, or close it; the focus goes along. @param {number | null} id @param {string} [what] */
    const edit = (id, what = "") => {
      const from = own.id === null ? null : `${own.what} ${own.id}`;
      const again = id === own.id && what === own.what;
      Object.assign(own, id === null || again ? { id: null } : { id, what, into: "" }, {
        tried: false,
      });
      page.redraw();
      /** @type {HTMLElement | null} */
      const field = el.querySelector(
        own.id === null ? `[data-edit="${from}"]` : "li form :is(input, select)",
      );
      field?.focus();
      if (field instanceof HTMLInputElement) field.select();
    };
    const page = drawn(model, el, (state, send) =>
      classes(state, own, send, edit, () => page.redraw()),
    );
    return page.end;
  },
};
