// @ts-check
// A picture from the user: dropped, pasted, chosen or named by its address, on its way to the kernel.

import { h } from "./drawing.js";
import { fieldsOf } from "./forms.js";

/** @import {Child, Handlers, Message} from "./types" */

/** What sends. @typedef {{send(message: Message, callbacks?: undefined, buffers?: ArrayBuffer[]): void}} Sender */
/** Where a picture goes. @typedef {{file(file: Blob, name: string): void, address(address: string): void}} Taker */

const PIECE = 1 << 20; // bytes of a message

/** Hands pictures to the kernel, whose widgets/picture_receiver.py takes them. @param {Sender} model @returns {Taker} */
export function takerOf(model) {
  return {
    async file(file, name) {
      const pieces = Math.max(1, Math.ceil(file.size / PIECE));
      for (let number = 0; number < pieces; number += 1) {
        const data = await file.slice(number * PIECE, (number + 1) * PIECE).arrayBuffer();
        const place = { first: number === 0, last: number === pieces - 1 };
        model.send({ do: "picture", name, ...place }, undefined, [data]);
      }
    },
    address: (address) => model.send({ do: "address", address }),
  };
}

/** What an element needs to be dropped on. @param {Taker} taker @returns {Handlers} */
export function dropping(taker) {
  return {
    ondragover(e) {
      e.preventDefault();
      e.currentTarget.classList.add("cu-dragging");
    },
    ondragleave: (e) => e.currentTarget.classList.remove("cu-dragging"),
    ondrop(e) {
      e.preventDefault();
      e.currentTarget.classList.remove("cu-dragging");
      const file = e.dataTransfer?.files[0];
      const link = e.dataTransfer?.getData("text/uri-list") ?? "";
      if (file) taker.file(file, file.name);
      else if (/^https?:/.test(link)) taker.address(link.split("\n")[0].trim());
    },
  };
}

/** Take pictures that are pasted while `listens`, until what is returned is called.
 * @param {Taker} taker @param {() => boolean} listens */
export function pasting(taker, listens) {
  const pasted = (/** @type {ClipboardEvent} */ event) => {
    const file = event.clipboardData?.files[0];
    if (!file || !listens()) return;
    event.preventDefault();
    taker.file(file, file.name);
  };
  document.addEventListener("paste", pasted);
  return () => document.removeEventListener("paste", pasted);
}

/** The place for a picture, the button that chooses one, and the field for an address.
 * @param {{picture?: string, name: string, asking: boolean}} shown `picture`: its object URL
 * @param {string} ask what the address's button says @param {Taker} taker
 * @param {...Child} more beside the button */
export function pictureSource({ picture, name, asking }, ask, taker, ...more) {
  /** @type {Handlers["onclick"]} */
  const choose = (e) => e.currentTarget.parentElement?.querySelector("input")?.click();
  return h(
    "div",
    { class: "cu-picture-source" },
    h(
      "div",
      { class: `cu-drop cu-picture-drop${picture ? " cu-has-picture" : ""}`, tabindex: 0 },
      picture
        ? h("img", { src: picture, alt: name, class: "cu-picture-given" })
        : h("p", {}, "Drop or paste a picture here"),
    ),
    h(
      "div",
      { class: "cu-row" },
      h(
        "span",
        { key: "file" },
        h("input", {
          type: "file",
          name: "picture",
          hidden: true,
          tabindex: -1,
          "aria-hidden": "true",
          accept: "image/*",
          onchange: (e) => {
            const file = e.target.files?.[0];
            if (file) taker.file(file, file.name);
            e.target.value = "";
          },
        }),
        h(
          "button",
          { class: "cu-button cu-primary", type: "button", onclick: choose },
          "Choose a picture",
        ),
      ),
      more,
    ),
    h(
      "form",
      { class: "cu-picture-address", onsubmit: (e) => taker.address(fieldsOf(e).address) },
      h("input", {
        name: "address",
        type: "text",
        inputmode: "url",
        placeholder: "or its address: https://…",
        "aria-label": "Address of a picture",
        spellcheck: "false",
        autocomplete: "off",
      }),
      h("button", { class: "cu-button", type: "submit", disabled: asking }, ask),
    ),
  );
}
