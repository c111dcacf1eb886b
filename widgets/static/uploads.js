// @ts-check
// Files that are dropped, chosen or pasted: what they are, and how they travel.

import { h } from "./drawing.js";
import { count, many } from "./figures.js";

/** @import {Handlers, Model, Properties, Send} from "./types" */
/** @import {CollectMessage, CollectState} from "./states" */

const PIECE = 1 << 20; // bytes of a message; the server takes up to ten times as much
const AHEAD = 4; // pieces under way at the same time

/** @typedef {{name: string, file: File}} Named */
/** @typedef {{id: string, files: Named[], free: number, wake: (() => void) | null, over: boolean}} Sending */
/** @typedef {ReturnType<typeof uploader>} Uploads */

/**
 * All files of a drop, those in folders too. The entries must be asked for at once: after the event
 * they are gone.
 * @param {DataTransfer} data @returns {Promise<Named[]>}
 */
function dropped(data) {
  const items = [...data.items].filter((item) => item.kind === "file");
  const found = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  return Promise.all(
    found.map(({ entry, file }) =>
      entry?.isDirectory
        ? within(entry, "")
        : Promise.resolve(file ? [{ name: file.name, file }] : []),
    ),
  ).then((lists) => lists.flat());
}

/** The files below a folder, with their paths. @param {FileSystemEntry} entry @param {string} path @returns {Promise<Named[]>} */
async function within(entry, path) {
  if (entry.name.startsWith(".") || entry.name === "__MACOSX") return [];
  const name = path + entry.name;
  if (entry.isFile) {
    /** @type {File} */
    const file = await new Promise((resolve, reject) =>
      /** @type {FileSystemFileEntry} */ (entry).file(resolve, reject),
    );
    return [{ name, file }];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  const found = [];
  for (;;) {
    // a reader gives a hundred at a time
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return found;
    for (const child of some) found.push(...(await within(child, `${name}/`)));
  }
}

/** The files of a chooser, or of a paste. @param {{files: FileList | null}} source @returns {Named[]} */
export function chosenFiles(source) {
  return [...(source.files ?? [])].map((file) => ({
    name: file.webkitRelativePath || file.name,
    file,
  }));
}

/**
 * Sends files to the kernel: it says which it wants, and takes one piece after the other.
 * @param {Model<CollectState, CollectMessage>} model
 */
export function uploader(model) {
  /** @type {Sending | null} */
  let job = null;

  const warn = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();

  function end() {
    if (!job) return;
    job.over = true;
    job.wake?.();
    job = null;
    removeEventListener("beforeunload", warn);
  }

  /** @param {Sending} own @param {number[]} wanted */
  async function pump(own, wanted) {
    for (const number of wanted) {
      const { name, file } = own.files[number];
      for (let offset = 0; offset < file.size; offset += PIECE) {
        let data;
        try {
          data = await file.slice(offset, offset + PIECE).arrayBuffer();
        } catch {
          if (!own.over)
            model.send({
              do: "upload_cancel",
              id: own.id,
              problem: `${name} cannot be read: it was moved, changed or removed meanwhile. Drop the files again.`,
            });
          return end();
        }
        while (!own.free && !own.over)
          await new Promise((resolve) => {
            own.wake = () => resolve(null);
          });
        if (own.over) return;
        own.free -= 1;
        model.send({ do: "chunk", id: own.id, file: number, offset }, undefined, [data]);
      }
    }
    if (own === job) end();
  }

  model.on("msg:custom", (message) => {
    if (!job || message.type === "copy" || message.type === "pictures" || message.id !== job.id)
      return;
    if (message.type === "go") pump(job, message.files);
    else if (message.type === "stop") end();
    else if (message.type === "took") {
      job.free += 1;
      job.wake?.();
    }
  });

  return {
    /** @param {Named[]} files */
    start(files) {
      const id = [...crypto.getRandomValues(new Uint8Array(8))]
        .map((b) => b.toString(16).padStart(2, "0"))
        .join("");
      const sent = files.map(({ name, file }) => ({ name, size: file.size }));
      if (!job) {
        job = { id, files, free: AHEAD, wake: null, over: false };
        addEventListener("beforeunload", warn);
      }
      model.send({ do: "upload", id, files: sent });
    },
    cancel() {
      if (job) model.send({ do: "upload_cancel", id: job.id });
      end();
    },
    end,
  };
}

/** Takes what is dropped anywhere on the panel. @param {(files: Named[]) => void} start @returns {Handlers} */
export function dropTarget(start) {
  const files = (/** @type {DragEvent} */ e) => e.dataTransfer?.types.includes("Files");
  const mark = (/** @type {{currentTarget: HTMLElement}} */ e, /** @type {boolean} */ on) =>
    e.currentTarget.classList.toggle("cu-dragging", on);
  return {
    ondragover(e) {
      if (!e.dataTransfer || !files(e)) return;
      e.preventDefault();
      e.dataTransfer.dropEffect = "copy";
      mark(e, true);
    },
    ondragleave(e) {
      if (!e.currentTarget.contains(/** @type {Node | null} */ (e.relatedTarget))) mark(e, false);
    },
    async ondrop(e) {
      mark(e, false);
      if (!e.dataTransfer || !files(e)) return;
      e.preventDefault();
      // A picture dragged out of another page comes with its address, which says more than the file.
      const link = e.dataTransfer.getData("text/uri-list");
      /** @type {HTMLTextAreaElement | null} */
      const field = e.currentTarget.querySelector("textarea[name=text]");
      if (/^https?:/.test(link) && field && !field.disabled) {
        field.value = `${field.value}${field.value && !field.value.endsWith("\n") ? "\n" : ""}${link.trim()}\n`;
        field.dispatchEvent(new Event("input", { bubbles: true }));
        return;
      }
      start(await dropped(e.dataTransfer));
    },
  };
}

/** A size for people. @param {number} bytes */
function megabytes(bytes) {
  return bytes < 1e6
    ? `${Math.ceil(bytes / 1000)} kB`
    : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** Where files are dropped or chosen, and how far they are. @param {CollectState} state @param {Send} send @param {Uploads} uploads */
export function dropzone(state, send, uploads) {
  const upload = state.upload;
  if (upload) {
    const share = upload.total ? upload.done / upload.total : 0;
    return h(
      "div",
      { class: "cu-drop cu-uploading", key: "uploading", role: "status" },
      h("span", { class: "cu-name", title: upload.title }, `Uploading ${upload.title}`),
      h(
        "div",
        {
          class: "cu-bar",
          role: "progressbar",
          "aria-label": `Uploading ${upload.title}`,
          "aria-valuenow": Math.round(share * 100),
          "aria-valuemin": 0,
          "aria-valuemax": 100,
        },
        h("span", { style: `width:${share * 100}%` }),
      ),
      h(
        "span",
        { class: "cu-far" },
        `${megabytes(upload.done)} of ${megabytes(upload.total)}`,
        upload.of > 1 && ` · ${count(upload.files)} of ${many(upload.of, "file")}`,
      ),
      h(
        "button",
        { class: "cu-button", type: "button", onclick: () => uploads.cancel() },
        "Cancel upload",
      ),
    );
  }
  /** @type {Handlers["onclick"]} */
  const choose = (e) => e.currentTarget.parentElement?.querySelector("input")?.click();
  /** @type {Handlers["onchange"]} */
  const chosen = (e) => {
    uploads.start(chosenFiles(e.target));
    e.target.value = "";
  };
  const chooser = (/** @type {string} */ text, /** @type {Properties} */ how) =>
    h(
      "span",
      {},
      h("input", {
        type: "file",
        hidden: true,
        tabindex: -1,
        "aria-hidden": "true",
        multiple: true,
        onchange: chosen,
        ...how,
      }),
      h("button", { class: "cu-button", type: "button", onclick: choose }, text),
    );
  return h(
    "div",
    { class: "cu-drop", key: "drop" },
    h(
      "p",
      {},
      h("strong", {}, "Or drop files here: "),
      "images, folders, zip archives, lists of addresses, saved web pages.",
    ),
    h(
      "div",
      { class: "cu-row" },
      chooser("Choose files", { name: "files" }),
      chooser("Choose a folder", { name: "tree", webkitdirectory: true }),
      h(
        "label",
        { class: "cu-check" },
        h("input", {
          type: "checkbox",
          name: "by_folder",
          checked: state.by_folder,
          onchange: (e) => send({ do: "by_folder", value: e.target.checked }),
        }),
        "Folder names are the classes",
      ),
    ),
  );
}
