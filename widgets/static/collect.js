// @ts-check
// Lists of addresses and files in, verified images out.

import { pasting, typist } from "./address_drafts.js";
import { copyText } from "./clipboard.js";
import { inTheProject } from "./collect_classes.js";
import { drawn, h } from "./drawing.js";
import { triage } from "./failures.js";
import { count, many } from "./figures.js";
import { fieldsOf } from "./forms.js";
import { holding } from "./held_pictures.js";
import { importSteps, offers } from "./import_offers.js";
import { badge, icon, problem } from "./marks.js";
import { dropTarget, dropzone, uploader } from "./uploads.js";

/** @import {Context, Message, Model, Send} from "./types" */
/** @import {PicturesMessage} from "./review_states" */
/** @import {CollectMessage, CollectState, Snippet} from "./states" */
/** @import {Typist} from "./address_drafts.js" */
/** @import {Uploads} from "./uploads.js" */

/** @typedef {Model<CollectState, CollectMessage> & {get(name: "snippet"): Snippet}} CollectModel */
/** @typedef {Context<CollectState, CollectMessage> & {model: CollectModel}} Collecting */
/** @typedef {Context<CollectState, PicturesMessage>["model"]} Holding */
/**
 * @typedef {{typing: Typist, uploads: Uploads, copied: {code: string | null}, snippet: Snippet,
 *   copy: (code: string, text: string) => void, choose: (name: string, byMouse?: boolean) => void,
 *   emptied: number, pictures: Map<number, string>}} Parts
 */

/** @param {CollectState} state @param {Send} send @param {Parts["choose"]} choose */
function classTabs(state, send, choose) {
  return h(
    "div",
    { class: "cu-tabs" },
    h(
      "div",
      {
        class: `cu-tab-list${state.classes.length > 12 ? " cu-many" : ""}`,
        role: "group",
        "aria-label": "Class",
      },
      state.classes.map((item) =>
        h(
          "button",
          {
            class: "cu-tab",
            key: item.name,
            type: "button",
            "aria-pressed": String(item.name === state.chosen),
            onclick: (/** @type {Partial<PointerEvent>} */ e) =>
              choose(item.name, e.pointerType === "mouse"),
          },
          badge(state.names, item.name),
          h("span", { class: "cu-name", title: item.name }, item.name),
          h("span", { class: "cu-figure" }, count(item.images)),
        ),
      ),
    ),
    h(
      "form",
      {
        class: "cu-add-class",
        onsubmit: (e) => {
          send({ do: "add_class", ...fieldsOf(e) });
          e.target.reset();
        },
      },
      h("input", {
        name: "name",
        placeholder: "add a class",
        "aria-label": "New class",
        required: true,
        autocomplete: "off",
      }),
      h("button", { class: "cu-button", type: "submit" }, "Add"),
    ),
  );
}

/** @param {Snippet} snippet @param {{code: string | null}} copied @param {(code: string, text: string) => void} copy */
function searching(snippet, copied, copy) {
  return h(
    "details",
    { class: "cu-more" },
    h("summary", {}, "Get addresses from a search page"),
    h(
      "ol",
      { class: "cu-steps" },
      h("li", {}, "Search for images in another tab."),
      h(
        "li",
        {},
        "Drag this link to your bookmarks bar, once, and click it on the search page: ",
        h(
          "a",
          {
            class: "cu-button",
            href: snippet.bookmarklet,
            draggable: "true",
            onclick: (e) => e.preventDefault(),
          },
          "Image addresses",
        ),
        " It scrolls to the end by itself; Esc stops it. Or open the browser's console there (F12) and paste this:",
        h(
          "textarea",
          {
            class: "cu-paste",
            rows: 4,
            readonly: true,
            "aria-label": "Snippet for the console",
            onfocus: (e) => e.target.select(),
          },
          snippet.console,
        ),
        h(
          "button",
          { class: "cu-button", type: "button", onclick: () => copy("snippet", snippet.console) },
          copied.code === "snippet" ? "Copied" : "Copy the snippet",
        ),
      ),
      h(
        "li",
        {},
        "Copy the list that it offers and paste it above, or save it and drop the file here.",
      ),
    ),
  );
}

/** @param {CollectState} state @param {Send} send */
function importing(state, send) {
  return h(
    "details",
    { class: "cu-more" },
    h("summary", {}, "Images that lie in a folder already"),
    h(
      "form",
      { onsubmit: (e) => send({ do: "import", ...fieldsOf(e) }) },
      h(
        "label",
        {},
        "Folder or zip on this machine: CLASS/image.jpg or train/CLASS/image.jpg",
        h("input", { name: "folder", required: true, autocomplete: "off", spellcheck: "false" }),
      ),
      h(
        "label",
        {},
        "Table with name,label (optional)",
        h("input", { name: "labels", autocomplete: "off", spellcheck: "false" }),
      ),
      h(
        "label",
        {},
        "Or a regular expression on the file name; its first group is the label (optional)",
        h("input", {
          name: "label_regex",
          autocomplete: "off",
          spellcheck: "false",
          placeholder: "(.+)_\\d+.jpg$",
        }),
      ),
      problem(state.errors.import),
      h("button", { class: "cu-button", type: "submit" }, "Look at it"),
    ),
    offers(state, send, false),
  );
}

/** @param {CollectState} state @param {Send} send */
function told(state, send) {
  const taken = state.taken;
  return [
    problem(state.errors.upload),
    state.notices.length > 0 &&
      h(
        "div",
        { class: "cu-notice", role: "status" },
        h(
          "div",
          {},
          state.notices.slice(0, 5).map((text) => h("p", {}, text)),
          state.notices.length > 5 && h("p", {}, `And ${count(state.notices.length - 5)} more.`),
        ),
        h(
          "button",
          {
            class: "cu-quiet",
            type: "button",
            "aria-label": "Dismiss",
            onclick: () => send({ do: "dismiss" }),
          },
          icon("cross"),
        ),
      ),
    taken &&
      h(
        "details",
        { class: "cu-refused", key: "taken" },
        h("summary", {}, `${many(taken.refused, "file")} not taken in`),
        h(
          "div",
          { class: "cu-window" },
          h(
            "table",
            { class: "cu-table" },
            h(
              "tbody",
              {},
              taken.refusals.map((row) =>
                h("tr", {}, h("td", {}, row.problem), h("td", { class: "cu-path" }, row.name)),
              ),
            ),
          ),
        ),
      ),
  ];
}

/** @param {CollectState} state @param {Send} send @param {Parts} parts */
function collect(state, send, parts) {
  const { typing, uploads, copied, copy, snippet, choose, emptied, pictures } = parts;
  return h(
    "div",
    { class: "cu-panel cu-collect", ...dropTarget((files) => uploads.start(files)) },
    h(
      "div",
      { class: "cu-title" },
      h("h1", {}, "Collect"),
      h(
        "p",
        { class: "cu-hint" },
        "Paste the addresses of images or drop files, a class at a time.",
      ),
    ),
    h(
      "div",
      { class: "cu-columns" },
      h(
        "section",
        { class: "cu-card cu-grow" },
        classTabs(state, send, choose),
        problem(state.errors.class),
        pasting(state, send, typing, uploads, emptied),
        offers(state, send, true),
        importSteps(state, send),
        told(state, send),
        dropzone(state, send, uploads),
        searching(snippet, copied, copy),
        importing(state, send),
      ),
      h(
        "section",
        { class: "cu-card cu-side" },
        inTheProject(state, pictures),
        triage(state, send, copied),
        h(
          "label",
          { class: "cu-check" },
          h("input", {
            type: "checkbox",
            checked: state.allow_private,
            name: "private",
            onchange: (e) => send({ do: "private", value: e.target.checked }),
          }),
          "Also fetch from this machine and the local network",
        ),
      ),
    ),
  );
}

export default {
  /** @param {Collecting} context */
  render({ model, el }) {
    const send = (/** @type {Message} */ message) => model.send(message);
    const typing = typist(send);
    const uploads = uploader(model);
    /** @type {{code: string | null}} */
    const copied = { code: null };
    const copy = async (/** @type {string} */ code, /** @type {string} */ text) => {
      copied.code = (await copyText(text)) ? code : null;
      redraw();
    };
    /** A class that was clicked is chosen at once: what is pasted before the kernel has said so is
     * for it. @type {string | null} */
    let clicked = null;
    const choose = (/** @type {string} */ name, byMouse = false) => {
      clicked = name;
      send({ do: "choose", name });
      redraw();
      const field = /** @type {HTMLTextAreaElement | null} */ (el.querySelector("[name=text]"));
      // A paste follows. With keys one may go on to the next class, and a finger's keyboard would
      // cover what it is about.
      if (byMouse) field?.focus();
    };
    let number = model.get("state").added_number;
    let emptied = 0;
    const view = (/** @type {CollectState} */ state) => {
      const field = /** @type {HTMLTextAreaElement | null} */ (el.querySelector("[name=text]"));
      if (state.added_number !== number && typing.hasLeft(field)) emptied += 1;
      number = state.added_number;
      if (clicked === state.chosen || !state.classes.some(({ name }) => name === clicked))
        clicked = null;
      const shown = clicked ? { ...state, chosen: clicked, added: null, previews: [] } : state;
      const snippet = model.get("snippet");
      const { pictures } = held;
      const parts = { typing, uploads, copied, copy, snippet, choose, emptied, pictures };
      return collect(shown, send, parts);
    };
    const held = holding(/** @type {Holding} */ (model), () => redraw());
    const { end, redraw } = drawn(model, el, view);
    model.on("msg:custom", (message) => {
      if (message.type === "copy") copy(message.code, message.text);
    });
    held.ask();
    return () => {
      held.end();
      uploads.end();
      end();
    };
  },
};
