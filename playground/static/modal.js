// The top modal of the member's stack: its inputs, field errors, submitting and closing.

import { blockNodes } from "./blocks.js";
import { h, keepToasts } from "./dom.js";
import { readValues } from "./elements.js";

const dialog = document.getElementById("modal");
let shown = null; // {id, hash, errors}
let focusedBefore = null; // the focused element before the modal opened

/** Show the top view of `stack`, or close the modal. An update keeps what was typed into inputs that still exist. */
export function showModal(stack, actions) {
  const view = stack.at(-1);
  if (!view) return hide();
  if (shown?.id === view.id && shown.hash === view.hash && dialog.open) return undefined;
  const same = shown?.id === view.id && dialog.open;
  shown = { id: view.id, hash: view.hash, errors: {} };
  render(view, stack.length, actions, same ? readValues(dialog) : {});
  if (!dialog.open) {
    focusedBefore = document.activeElement;
    dialog.showModal();
  }
  if (!same) focusFirst();
  return undefined;
}

function hide() {
  shown = null;
  if (!dialog.open) return;
  keepToasts();
  dialog.close();
  dialog.replaceChildren();
  if (focusedBefore?.isConnected) focusedBefore.focus();
}

function render(view, depth, actions, typed) {
  const context = {
    directory: actions.directory,
    heading: "h3",
    state: withTyped(view, typed),
    errors: shown.errors,
    act: (block, element, chosen) => actions.click({ view: view.id, values: readValues(dialog) }, block, element, chosen),
    suggest: (block, element, query) => actions.options({ view: view.id }, block, element, query),
  };
  const submit = view.submit && h("button", { type: "submit", class: "button primary" }, view.submit.text);
  const form = h("form", { method: "dialog", noValidate: true, class: "modal-form" },
    h("header", { class: "modal-head" },
      h("h2", { id: "modal-title" }, view.title.text),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => actions.close(view.id, true) }, "×")),
    h("div", { class: "modal-body" }, blockNodes(view.blocks, context)),
    h("footer", { class: "modal-foot" },
      h("button", { type: "button", class: "button", onclick: () => actions.close(view.id, false) }, view.close?.text ?? (depth > 1 ? "Back" : "Cancel")),
      submit));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (submit && !submit.disabled) send(view, depth, actions, submit);
  });
  const notices = dialog.querySelector(".toasts");
  dialog.replaceChildren(form, ...(notices ? [notices] : []));
}

async function send(view, depth, actions, submit) {
  const typed = readValues(dialog);
  submit.disabled = true;
  dialog.setAttribute("aria-busy", "true");
  const { errors } = await actions.submit(view.id, typed);
  dialog.removeAttribute("aria-busy");
  if (shown?.id !== view.id) return;
  submit.disabled = false;
  if (!dialog.contains(submit)) return;
  shown.errors = errors;
  render(view, depth, actions, typed);
  dialog.querySelector(".wrong :is(input, select, textarea)")?.focus();
  if (!Object.keys(errors).length) dialog.querySelector("[type=submit]")?.focus();
}

/** Return the view's state including unsent input, in Slack's shape. */
function withTyped(view, typed) {
  const state = structuredClone(view.state.values);
  for (const [block, actions] of Object.entries(typed)) {
    for (const [action, value] of Object.entries(actions)) {
      const held = state[block]?.[action];
      if (held) state[block][action] = retyped(held, value, choosable(view, block, action));
    }
  }
  return state;
}

function choosable(view, blockId, actionId) {
  const block = view.blocks.find((each) => each.block_id === blockId);
  const elements = [block.element, block.accessory, ...(block.elements ?? [])].filter(Boolean);
  const spec = elements.find((each) => each.action_id === actionId) ?? {};
  return [...(spec.options ?? []), ...(spec.option_groups ?? []).flatMap((group) => group.options)];
}

function retyped(held, value, options) {
  const field = Object.keys(held).find((name) => name !== "type");
  if (!/^selected_options?$/.test(field)) return { ...held, [field]: value };
  const known = [...options, ...[held[field]].flat().filter(Boolean)];
  const find = (wanted) => known.find((option) => option.value === wanted) ?? { value: wanted, text: { text: labelOf(wanted) } };
  if (field === "selected_options") return { ...held, [field]: value.map(find) };
  return { ...held, [field]: value === null ? null : find(value) };
}

/** Return the label of an option from an external select, which only its combobox knows. */
function labelOf(value) {
  const boxes = [...dialog.querySelectorAll("[data-holds]")].filter((node) => node.slack.chosen);
  return boxes.flatMap((node) => node.slack.chosen()).find((option) => option.value === value)?.label ?? value;
}

function focusFirst() {
  const first = dialog.querySelector("[data-focus]") ?? dialog.querySelector(".modal-body :is(input, select, textarea)")
    ?? dialog.querySelector(".modal-body button, .modal-foot .primary") ?? dialog.querySelector("button");
  first?.focus();
}

/** Close the top modal on Escape, as its close button does. */
export function closeOnEscape(actions) {
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    if (shown) actions.close(shown.id, false);
  });
}
