// @ts-check
// Lists of addresses in, verified images out.

/** @param {any} state @param {(m: any) => void} send */
function collect(state, send) {
  const chosen = state.chosen;
  const pending = state.addresses.pending;
  const busy = state.busy;
  return h("div", { class: "cu-panel" },
    h("div", { class: "cu-title" }, h("h1", {}, "Collect"),
      h("p", { class: "cu-hint" }, "Paste the addresses of images, a class at a time, then fetch them.")),
    h("div", { class: "cu-columns" },
      h("section", { class: "cu-card cu-grow" },
        h("div", { class: "cu-tabs", role: "group", "aria-label": "Class" },
          state.classes.map((/** @type {any} */ item) => h("button", {
            class: "cu-tab", key: item.name, "aria-pressed": String(item.name === chosen),
            onclick: () => send({ do: "choose", name: item.name }),
          }, badge(state.names, item.name), h("span", { class: "cu-name", title: item.name }, item.name),
          h("span", { class: "cu-figure" }, count(item.images)))),
          h("form", {
            class: "cu-add-class", onsubmit: (/** @type {any} */ e) => {
              e.preventDefault();
              send({ do: "add_class", name: e.target.name.value });
              e.target.reset();
            },
          }, h("input", { name: "name", placeholder: "add a class", "aria-label": "New class", required: true, autocomplete: "off" }),
          h("button", { class: "cu-button", type: "submit" }, "Add"))),
        problem(state.errors.class),
        h("form", {
          onsubmit: (/** @type {any} */ e) => {
            e.preventDefault();
            send({ do: "add", name: chosen, text: e.target.text.value });
          },
        },
        h("label", {}, chosen ? `Addresses of ${chosen}, one a line` : "Add a class first",
          h("textarea", {
            name: "text", rows: 10, class: "cu-paste", spellcheck: "false", disabled: !chosen,
            key: `paste-${state.added_number}`, placeholder: "https://example.org/picture.jpg\n…",
          })),
        problem(state.errors.add),
        state.added && h("div", { class: "cu-added", role: "status" },
          h("p", {}, state.added.sentence),
          state.added.refused.length > 0 && h("details", {},
            h("summary", {}, `${many(state.added.refused.length, "line")} refused`),
            h("table", { class: "cu-table" }, h("tbody", {}, state.added.refused.slice(0, 50).map((/** @type {any} */ row) =>
              h("tr", {}, h("td", { class: "cu-right" }, row.line), h("td", {}, row.problem), h("td", { class: "cu-path" }, row.text))))))),
        h("div", { class: "cu-row" },
          h("button", { class: "cu-button", type: "submit", disabled: !chosen }, "Add to the list"),
          h("button", {
            class: "cu-button cu-primary", type: "button", disabled: busy || !pending,
            onclick: () => send({ do: "fetch", retry: "passing" }),
          }, pending ? `Fetch ${many(pending, "address", "addresses")}` : "Nothing to fetch"))),
        h("details", { class: "cu-more" }, h("summary", {}, "Images that lie in a folder already"),
          h("form", { onsubmit: (/** @type {any} */ e) => {
            e.preventDefault();
            send({ do: "import", ...Object.fromEntries(new FormData(e.target)) });
          } },
          h("label", {}, "Folder on this machine: CLASS/image.jpg or train/CLASS/image.jpg",
            h("input", { name: "folder", required: true, autocomplete: "off", spellcheck: "false" })),
          h("label", {}, "Table with name,label (optional)", h("input", { name: "labels", autocomplete: "off", spellcheck: "false" })),
          h("label", {}, "Or a regular expression on the file name; its first group is the label (optional)",
            h("input", { name: "label_regex", autocomplete: "off", spellcheck: "false", placeholder: "(.+)_\\d+.jpg$" })),
          problem(state.errors.import),
          h("button", { class: "cu-button", type: "submit", disabled: busy }, "Import")))),
      h("section", { class: "cu-card cu-side" },
        h("h2", {}, "In the project"),
        h("table", { class: "cu-table" },
          h("thead", {}, h("tr", {}, h("th", {}, "class"), h("th", { class: "cu-right" }, "images"),
            h("th", { class: "cu-right" }, "to fetch"), h("th", { class: "cu-right" }, "failed"))),
          h("tbody", {}, state.classes.map((/** @type {any} */ item) => h("tr", { key: item.name },
            h("td", { class: "cu-name", title: item.name }, badge(state.names, item.name), " ", item.name),
            h("td", { class: "cu-right" }, count(item.images)),
            h("td", { class: "cu-right" }, count(item.pending)),
            h("td", { class: "cu-right" }, count(item.failed)))))),
        state.failures.length > 0 && h("div", {},
          h("h2", {}, "What gave no image"),
          h("ul", { class: "cu-failures" }, state.failures.map((/** @type {any} */ item) => h("li", { key: item.code },
            h("details", {}, h("summary", {}, h("strong", {}, count(item.count)), " ", item.code.replaceAll("_", " ")),
              h("p", { class: "cu-hint" }, item.explanation),
              h("ul", { class: "cu-examples" }, item.examples.map((/** @type {any} */ e) =>
                h("li", {}, h("span", { class: "cu-path" }, e.origin), e.detail && h("span", { class: "cu-hint" }, ` ${e.detail}`)))))))),
          h("div", { class: "cu-row" },
            h("button", { class: "cu-button", disabled: busy, onclick: () => send({ do: "fetch", retry: "all" }) }, "Ask all failed again"))),
        h("label", { class: "cu-check" },
          h("input", {
            type: "checkbox", checked: state.allow_private, name: "private",
            onchange: (/** @type {any} */ e) => send({ do: "private", value: e.target.checked }),
          }), "Also fetch from this machine and the local network"))));
}

export default {
  /** @param {{model: any, el: HTMLElement}} context */
  render({ model, el }) {
    return mount(model, el, collect);
  },
};
