// A text box that searches options on the server, for Slack's external selects. Follows the ARIA combobox pattern.

import { h, newId } from "./dom.js";

/** Return `{node, values(), chosen()}`. `find(query)` resolves to options `{value, label}`, and `chosen()` returns such options. */
export function combobox({ naming, multiple, chosen, placeholder, minLength, find, changed }) {
  const listId = newId("list");
  let picked = [...chosen];
  let offered = [];
  let active = -1;
  let latest = 0;
  let timer = 0;

  const text = h("input", {
    class: "control", type: "text", role: "combobox", autocomplete: "off", placeholder,
    "aria-expanded": "false", "aria-controls": listId, "aria-autocomplete": "list", ...naming,
  });
  const list = h("ul", { class: "suggestions", id: listId, role: "listbox", hidden: true });
  const chips = h("div", { class: "chips" });
  const node = h("div", { class: "combobox" }, chips, text, list);

  const label = () => { if (!multiple) text.value = picked[0]?.label ?? ""; };

  function showChips() {
    chips.replaceChildren(...(multiple ? picked : []).map((option) =>
      h("button", { type: "button", class: "chip", "aria-label": `Remove ${option.label}`, onclick: () => { set(picked.filter((each) => each !== option)); text.focus(); } },
        option.label, h("span", { "aria-hidden": "true" }, " ×"))));
  }

  function set(options) {
    picked = options;
    showChips();
    changed(values());
  }

  function close() {
    list.hidden = true;
    active = -1;
    text.setAttribute("aria-expanded", "false");
    text.removeAttribute("aria-activedescendant");
  }

  function choose(option) {
    close();
    if (multiple) text.value = "";
    set(multiple ? [...picked.filter((each) => each.value !== option.value), option] : [option]);
    label();
  }

  function show(note) {
    list.replaceChildren(...(note ? [h("li", { class: "note" }, note)] : offered.map((option, number) =>
      h("li", {
        id: `${listId}-${number}`, role: "option", "aria-selected": String(number === active),
        onpointerdown: (event) => { event.preventDefault(); choose(option); },
      }, option.label, option.description && h("small", {}, option.description)))));
    list.hidden = false;
    text.setAttribute("aria-expanded", "true");
    list.scrollIntoView({ block: "nearest" });
    const current = list.children[active];
    if (current && !note) {
      text.setAttribute("aria-activedescendant", current.id);
      current.scrollIntoView({ block: "nearest" });
    }
  }

  async function search() {
    const query = text.value === picked[0]?.label ? "" : text.value;
    if (query.length < minLength) { offered = []; show(`Type at least ${minLength} ${minLength === 1 ? "character" : "characters"}`); return; }
    const mine = ++latest;
    show("Searching…");
    const found = await find(query);
    if (mine !== latest || document.activeElement !== text) return;
    offered = found;
    active = found.length ? 0 : -1;
    show(found.length ? null : "No results");
  }

  // The list would cover the error below a field that is wrong.
  text.addEventListener("focus", () => { if (!multiple) text.select(); if (!text.closest(".wrong")) search(); });
  text.addEventListener("click", () => { if (list.hidden) search(); });
  text.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(search, 150); });
  text.addEventListener("blur", () => { latest += 1; close(); label(); });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
    if (list.hidden || !offered.length) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) { event.preventDefault(); active = (active + step + offered.length) % offered.length; show(); }
    if (event.key === "Enter") { event.preventDefault(); choose(offered[Math.max(active, 0)]); }
  });

  const values = () => picked.map((option) => option.value);
  showChips();
  label();
  return { node, values, chosen: () => picked };
}
