// @ts-check
// Typing a name: of the class that images get, or of the concept that they show. The first letters,
// Enter; or a new name.

import { h } from "./drawing.js";
import { many } from "./figures.js";
import { badge } from "./marks.js";

/** @import {Child} from "./types" */
/** @typedef {"class" | "concept" | "rename"} What a class to relabel with, a concept, its new name */
/** @typedef {{what: What, text: string, at: number}} Typed `at`: the place of the option that is chosen */
/** @typedef {{name: string, fresh: boolean}} Option */
/** @typedef {{redraw(): void, number(): number, relabelled(label: string, fresh: boolean): void,
 * sought(name: string, shows: boolean): void, renamed?(name: string): void, closed(): void}} Host
 * `number`: images that are chosen; `closed`: without a choice */
/** @typedef {{classes: string[], concepts: string[]}} Names */

/** Names that begin with the text, then those that hold it. @param {string[]} names @param {string} text */
export function matching(names, text) {
  const wanted = text.trim().toLocaleLowerCase();
  const lower = names.map((name) => name.toLocaleLowerCase());
  const first = names.filter((_, place) => lower[place].startsWith(wanted));
  return [
    ...first,
    ...names.filter((name, place) => !first.includes(name) && lower[place].includes(wanted)),
  ];
}

/** Those that match, and the text itself where it is a new name. @param {string[]} names @param {string} text @returns {Option[]} */
function optionsOf(names, text) {
  const name = text.trim();
  const fresh = name && !names.some((one) => one.toLocaleLowerCase() === name.toLocaleLowerCase());
  return [
    ...matching(names, text)
      .slice(0, 12)
      .map((one) => ({ name: one, fresh: false })),
    ...(fresh ? [{ name, fresh: true }] : []),
  ];
}

/** The box of a host, which draws it and says when. @param {HTMLElement} el @param {Host} host */
export function typingBox(el, host) {
  /** @type {Typed | null} */
  let typed = null;

  /** @param {() => void} todo */
  const done = (todo) => {
    typed = null;
    todo();
    host.redraw();
  };
  const close = () => done(host.closed);

  /** @param {Typed} now @param {string} title @param {string} placeholder @param {Option[]} options
   * @param {(option: Option) => void} apply @param {(option: Option) => Child} line */
  function chooser(now, title, placeholder, options, apply, line) {
    const chosen = Math.min(now.at, options.length - 1);
    const put = (/** @type {Partial<Typed>} */ change) => {
      typed = { ...now, ...change };
      host.redraw();
    };
    return [
      h(
        "label",
        {},
        `${title} `,
        h("input", {
          type: "text",
          name: "relabel",
          role: "combobox",
          "aria-expanded": "true",
          "aria-controls": "cu-typed-list",
          "aria-autocomplete": "list",
          autocomplete: "off",
          "aria-activedescendant": options.length ? `cu-typed-${chosen}` : null,
          placeholder,
          value: now.text,
          maxlength: now.what === "class" ? 100 : 60,
          oninput: (e) => put({ text: e.target.value, at: 0 }),
          onkeydown: (/** @type {KeyboardEvent} */ e) => {
            if (e.key === "Enter") {
              if (options[chosen]) apply(options[chosen]);
            } else if (e.key === "ArrowDown") put({ at: Math.min(chosen + 1, options.length - 1) });
            else if (e.key === "ArrowUp") put({ at: Math.max(chosen - 1, 0) });
            else if (e.key === "Escape") close();
            else return;
            e.preventDefault();
            e.stopPropagation();
          },
        }),
      ),
      h(
        "ul",
        { id: "cu-typed-list", role: "listbox", "aria-label": "Names" },
        options.map((option, place) =>
          h(
            "li",
            {
              id: `cu-typed-${place}`,
              key: `${option.name} ${option.fresh}`,
              role: "option",
              "aria-selected": String(place === chosen),
              onclick: () => apply(option),
            },
            line(option),
          ),
        ),
      ),
    ];
  }

  /** @param {Names} s @param {Typed} now */
  function relabelling(s, now) {
    return chooser(
      now,
      `Relabel ${many(host.number(), "image")} as`,
      "first letters of a class",
      optionsOf(s.classes, now.text),
      (option) => done(() => host.relabelled(option.name, option.fresh)),
      (option) =>
        option.fresh
          ? [h("span", { class: "cu-badge" }, "+"), ` new class “${option.name}”`]
          : [badge(s.classes, option.name), " ", h("span", { class: "cu-name" }, option.name)],
    );
  }

  /** @param {Names} s @param {Typed} now */
  function seeking(s, now) {
    const options = optionsOf(s.concepts, now.text);
    const chosen = options[Math.min(now.at, options.length - 1)];
    const seek = (/** @type {Option} */ option, shows = true) =>
      done(() => host.sought(option.name, shows));
    const number = host.number();
    return [
      chooser(
        now,
        `What ${number === 1 ? "does this image" : `do these ${number} images`} show?`,
        "drawings, people, a watermark …",
        options,
        seek,
        (option) => [
          option.fresh && h("span", { class: "cu-badge" }, "+"),
          h("span", { class: "cu-name" }, option.fresh ? ` new: “${option.name}”` : option.name),
        ],
      ),
      h(
        "div",
        { class: "cu-row" },
        h(
          "button",
          {
            class: "cu-button cu-primary",
            name: "seek",
            disabled: !chosen,
            onclick: () => seek(chosen),
          },
          "More of this kind",
          h("kbd", { "aria-hidden": "true" }, "↵"),
        ),
        chosen &&
          !chosen.fresh &&
          h(
            "button",
            { class: "cu-button", name: "lacks", onclick: () => seek(chosen, false) },
            `No ${chosen.name} here`,
          ),
      ),
    ];
  }

  /** @param {Typed} now */
  function renaming(now) {
    const name = now.text.trim();
    return chooser(
      now,
      "Another name",
      "",
      name ? [{ name, fresh: true }] : [],
      (option) => done(() => host.renamed?.(option.name)),
      (option) => h("span", { class: "cu-name" }, `call it “${option.name}”`),
    );
  }

  return {
    get open() {
      return typed !== null;
    },
    /** @param {What} what @param {string} [text] what the field begins with */
    ask(what, text = "") {
      typed = { what, text, at: 0 };
      host.redraw();
      /** @type {HTMLInputElement | null} */ (el.querySelector("[name=relabel]"))?.select();
    },
    drop() {
      typed = null;
    },
    /** @param {Names} s */
    view(s) {
      const now = typed;
      if (!now) return null;
      const box = { class: "cu-typed", role: "dialog", key: `typing ${now.what}` };
      if (now.what === "class")
        return h("div", { ...box, "aria-label": "Relabel" }, relabelling(s, now));
      if (now.what === "concept")
        return h("div", { ...box, "aria-label": "Concept" }, seeking(s, now));
      return h("div", { ...box, "aria-label": "Rename the concept" }, renaming(now));
    },
  };
}
