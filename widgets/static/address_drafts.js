// @ts-check
// Pasted addresses: sent once, shown as what adding them would do.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";
import { problem } from "./marks.js";
import { chosenFiles } from "./uploads.js";

/** @import {Send} from "./types" */
/** @import {CollectState, Preview, Refusal} from "./states" */
/** @import {Named, Uploads} from "./uploads.js" */

/** @typedef {ReturnType<typeof typist>} Typist */

const QUIET = 400; // milliseconds without a key before the text is sent
const TEXT_PIECE = 1 << 19; // characters of a message
const LONG = 200_000; // characters; a browser takes seconds to lay out a field with many more

/**
 * Sends what is in the field when it has changed and a moment of quiet has come.
 * @param {Send} send
 */
export function typist(send) {
  let timer = 0;
  let sent = "";
  let leaving = ""; // what was in the field when it was added or dropped
  /** @param {string} text */
  function now(text) {
    clearTimeout(timer);
    timer = 0;
    if (text === sent) return;
    sent = text;
    let start = 0;
    do {
      let end = Math.min(text.length, start + TEXT_PIECE);
      // Never between the two halves of a character.
      if (
        end < text.length &&
        text.charCodeAt(end - 1) >= 0xd800 &&
        text.charCodeAt(end - 1) < 0xdc00
      )
        end -= 1;
      send({
        do: "draft",
        text: text.slice(start, end),
        first: start === 0,
        last: end === text.length,
      });
      start = end;
    } while (start < text.length);
  }
  /** @param {{value: string}} field */
  function soon(field) {
    clearTimeout(timer);
    timer = window.setTimeout(() => now(field.value), QUIET);
  }
  return {
    soon,
    /** The field's text is added or dropped. @param {string} text */
    leaves(text) {
      now(text);
      leaving = text;
    },
    /** The kernel holds it no more: whether to empty the field. Not if the user has typed on.
     * @param {{value: string} | null} field */
    hasLeft(field) {
      clearTimeout(timer);
      sent = "";
      if (!field || field.value === leaving) return true;
      soon(field);
      return false;
    },
  };
}

/**
 * What of a paste is rather a file: pictures, a text too long for a field, and a piece of a page that
 * holds its addresses in the markup alone.
 * @param {DataTransfer} data @returns {Named[]}
 */
function pastedFiles(data) {
  const files = chosenFiles(data);
  if (files.length) return files;
  const named = (/** @type {string} */ text, /** @type {string} */ name) => [
    { name, file: new File([text], name) },
  ];
  const text = data.getData("text/plain");
  const page = data.getData("text/html");
  if (!/https?:/i.test(text) && /<(img|a)\s[^>]*https?:/i.test(page))
    return named(page, "pasted.html");
  return text.length > LONG ? named(text, "pasted.txt") : [];
}

/** The refused lines: a few at once, many on opening. @param {Refusal[]} rows @param {number} total */
function refusedLines(rows, total) {
  const table = h(
    "div",
    { class: "cu-window" },
    h(
      "table",
      { class: "cu-table" },
      h(
        "tbody",
        {},
        rows.map((row) =>
          h(
            "tr",
            {},
            h("td", { class: "cu-right" }, `line ${row.line}`),
            h("td", {}, row.problem),
            h("td", { class: "cu-path" }, row.text),
          ),
        ),
      ),
    ),
  );
  if (total <= 3) return h("div", { class: "cu-refused" }, table);
  return h(
    "details",
    { class: "cu-refused" },
    h("summary", {}, `${many(total, "line")} refused`),
    table,
    total > rows.length && h("p", { class: "cu-hint" }, `The first ${rows.length} are shown.`),
  );
}

/** What of a list is nothing new. @param {Preview} item */
function others(item) {
  /** @type {[number | undefined, string][]} */
  const parts = [
    [item.known, "already there"],
    [item.twice, "repeated"],
    [item.refused, "refused"],
    [item.other_class, "also listed under another class"],
  ];
  return parts.filter(([number]) => number).map(([number, words]) => `, ${count(number)} ${words}`);
}

/** What stands in the form's field. @param {HTMLFormElement | null} form */
function textOf(form) {
  const field = /** @type {HTMLTextAreaElement | null} */ (form?.querySelector("[name=text]"));
  return field?.value ?? "";
}

/** What adding would do. @param {CollectState} state @param {Send} send @param {Typist} typing */
function previewed(state, send, typing) {
  if (!state.previews.length) {
    return h(
      "div",
      { class: "cu-preview", key: "preview", role: "status", "aria-live": "polite" },
      state.previewing && h("p", { class: "cu-hint" }, "Reading the list…"),
    );
  }
  return h(
    "div",
    { class: "cu-preview cu-has", key: "preview", role: "status", "aria-live": "polite" },
    state.previews.map((item) =>
      h(
        "div",
        {},
        h(
          "p",
          {},
          item.name && h("strong", {}, `${item.name}: `),
          item.error ?? [
            item.found && `${item.found}: `,
            h("strong", {}, `${count(item.new)} new`),
            others(item),
          ],
        ),
        item.hosts &&
          item.hosts.length > 0 &&
          h(
            "p",
            { class: "cu-hint" },
            "From ",
            item.hosts.map(([host, number]) => `${host} (${count(number)})`).join(", "),
            item.more_hosts && " and others",
          ),
        item.notes?.map((note) => h("p", { class: "cu-hint" }, note)),
        item.refused > 0 && refusedLines(item.refusals ?? [], item.refused),
      ),
    ),
    state.previews.some((item) => item.name) &&
      h(
        "button",
        {
          class: "cu-link",
          type: "button",
          onclick: (e) => {
            typing.leaves(textOf(e.target.form));
            send({ do: "discard" });
          },
        },
        "Do not add",
      ),
  );
}

/** The field, what adding its text would do, and adding it; `emptied`: how often it was.
 * @param {CollectState} state @param {Send} send @param {Typist} typing @param {Uploads} uploads
 * @param {number} emptied */
export function pasting(state, send, typing, uploads, emptied) {
  const { chosen, busy } = state;
  const pending = state.addresses.pending;
  const draft = state.previews.length > 0;
  const add = (/** @type {HTMLFormElement | null} */ form, /** @type {boolean} */ fetch) => {
    typing.leaves(textOf(form));
    send({ do: "add", name: chosen, fetch });
  };
  return h(
    "form",
    {
      onsubmit: (e) => {
        e.preventDefault();
        add(e.target, false);
      },
    },
    h(
      "label",
      {},
      chosen
        ? h("span", { class: "cu-name" }, `Addresses of ${chosen}, one a line`)
        : "Add a class first",
      h("textarea", {
        name: "text",
        rows: 8,
        class: "cu-paste",
        spellcheck: "false",
        disabled: !chosen,
        key: `paste-${emptied}`,
        placeholder: "https://example.org/picture.jpg\n…",
        oninput: (e) => typing.soon(e.target),
        onpaste: (e) => {
          const files = e.clipboardData ? pastedFiles(e.clipboardData) : [];
          if (!files.length) return;
          e.preventDefault();
          uploads.start(files);
        },
      }),
    ),
    previewed(state, send, typing),
    problem(state.errors.add),
    state.added &&
      !draft &&
      h(
        "div",
        { class: "cu-added", role: "status" },
        h("p", {}, state.added.sentence),
        state.added.refusals > 0 && refusedLines(state.added.refused, state.added.refusals),
      ),
    h(
      "div",
      { class: "cu-row" },
      h(
        "button",
        {
          class: `cu-button${draft || !pending ? " cu-primary" : ""}`,
          type: "button",
          disabled: !chosen || (busy && !state.fetching) || state.adding,
          onclick: (e) => add(e.target.form, true),
        },
        state.fetching ? "Add to what is fetched" : "Add and fetch",
      ),
      h(
        "button",
        { class: "cu-button", type: "submit", disabled: !chosen || state.adding },
        state.adding ? "Adding…" : "Add to the list",
      ),
      pending > 0 &&
        h(
          "button",
          {
            class: `cu-button${draft ? "" : " cu-primary"}`,
            type: "button",
            disabled: busy,
            onclick: () => send({ do: "fetch", retry: "passing" }),
          },
          `Fetch ${many(pending, "address", "addresses")}`,
        ),
    ),
  );
}
