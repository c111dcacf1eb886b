// @ts-check
// Relabelling by typing: the first letters of a class, Enter; or the name of a new one.

import { h } from "./drawing.js";
import { many } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Act, GalleryState, Ui} from "./review_states" */

/** Classes that begin with the text, then those that hold it. @param {string[]} classes @param {string} text */
export function matching(classes, text) {
  const wanted = text.trim().toLocaleLowerCase();
  const lower = classes.map((name) => name.toLocaleLowerCase());
  const first = classes.filter((_, place) => lower[place].startsWith(wanted));
  return [
    ...first,
    ...classes.filter((name, place) => !first.includes(name) && lower[place].includes(wanted)),
  ];
}

/** What the box does, for who keeps its text beside other things: `done` when a class was chosen,
 * `closed` when none was. @param {(relabel: Ui["relabel"]) => void} put @param {() => void} redraw
 * @param {(label: string, fresh: boolean) => void} done @param {() => void} closed
 * @returns {Pick<Act, "labelled" | "typed" | "close">} */
export function typingInto(put, redraw, done, closed) {
  return {
    typed(text, at) {
      put({ text, at });
      redraw();
    },
    labelled(label, fresh) {
      put(null);
      done(label, fresh);
    },
    close() {
      put(null);
      closed();
    },
  };
}

/** @param {Pick<GalleryState, "classes">} s @param {Pick<Ui, "relabel">} ui
 * @param {Pick<Act, "labelled" | "typed" | "close">} act @param {number} number of images */
export function relabelBox(s, ui, act, number) {
  const { text, at } = ui.relabel ?? { text: "", at: 0 };
  const found = matching(s.classes, text).slice(0, 12);
  const name = text.trim();
  const fresh =
    name && !s.classes.some((known) => known.toLocaleLowerCase() === name.toLocaleLowerCase());
  /** @type {{name: string, fresh: boolean}[]} */
  const options = [
    ...found.map((one) => ({ name: one, fresh: false })),
    ...(fresh ? [{ name, fresh: true }] : []),
  ];
  const chosen = Math.min(at, options.length - 1);
  const apply = (/** @type {number} */ place) =>
    options[place] && act.labelled(options[place].name, options[place].fresh);
  return h(
    "div",
    { class: "cu-typed", role: "dialog", "aria-label": "Relabel" },
    h(
      "label",
      {},
      `Relabel ${many(number, "image")} as `,
      h("input", {
        type: "text",
        name: "relabel",
        role: "combobox",
        "aria-expanded": "true",
        "aria-controls": "cu-typed-list",
        "aria-autocomplete": "list",
        autocomplete: "off",
        "aria-activedescendant": options.length ? `cu-typed-${chosen}` : null,
        placeholder: "first letters of a class",
        maxlength: 100,
        oninput: (e) => act.typed(e.target.value, 0),
        onkeydown: (/** @type {KeyboardEvent} */ e) => {
          if (e.key === "Enter") apply(chosen);
          else if (e.key === "ArrowDown") act.typed(text, Math.min(chosen + 1, options.length - 1));
          else if (e.key === "ArrowUp") act.typed(text, Math.max(chosen - 1, 0));
          else if (e.key === "Escape") act.close();
          else return;
          e.preventDefault();
          e.stopPropagation();
        },
      }),
    ),
    h(
      "ul",
      { id: "cu-typed-list", role: "listbox", "aria-label": "Classes" },
      options.map((option, place) =>
        h(
          "li",
          {
            id: `cu-typed-${place}`,
            key: `${option.name} ${option.fresh}`,
            role: "option",
            "aria-selected": String(place === chosen),
            onclick: () => apply(place),
          },
          option.fresh
            ? [h("span", { class: "cu-badge" }, "+"), ` new class “${option.name}”`]
            : [badge(s.classes, option.name), " ", h("span", { class: "cu-name" }, option.name)],
        ),
      ),
    ),
  );
}
