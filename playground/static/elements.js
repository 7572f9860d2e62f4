// Block Kit's interactive elements. A node with a value has `slack`: {block, action, read()}. External selects
// add `chosen()`, which returns the chosen options with their labels.

import { combobox } from "./combobox.js";
import { askToConfirm } from "./confirm.js";
import { h, newId, openMenu } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Return the element as a node. In an input block, `names` has the ids of its label and descriptions. */
export function element(block, spec, context, names = {}) {
  const render = RENDER[spec.type];
  if (!render) return h("span", { class: "unknown" }, `(${spec.type})`);
  return render({ block, spec, context, names, held: context.state?.[block.block_id]?.[spec.action_id] ?? initial(spec) });
}

/** Return the plain values of the inputs below `root` by block id and action id. */
export function readValues(root) {
  const values = {};
  for (const node of root.querySelectorAll("[data-holds]")) {
    const { block, action, read } = node.slack;
    (values[block] ??= {})[action] = read();
  }
  return values;
}

const RENDER = {
  button,
  overflow,
  plain_text_input: typed("text"),
  email_text_input: typed("email"),
  url_text_input: typed("url"),
  number_input: typed("text"),
  datepicker: picker("date", "selected_date"),
  timepicker: picker("time", "selected_time"),
  datetimepicker: dateTime,
  static_select: select((it) => grouped(it.spec), "selected_option"),
  users_select: select((it) => people(it), "selected_user"),
  channels_select: select((it) => channels(it, ["public"]), "selected_channel"),
  conversations_select: select((it) => channels(it, it.spec.filter?.include), "selected_conversation"),
  multi_static_select: ticked((it) => grouped(it.spec), "selected_options"),
  multi_users_select: ticked((it) => people(it, { all: false }), "selected_users"),
  multi_channels_select: ticked((it) => channels(it, ["public"]), "selected_channels"),
  multi_conversations_select: ticked((it) => channels(it, it.spec.filter?.include), "selected_conversations"),
  external_select: (it) => external(it, false),
  multi_external_select: (it) => external(it, true),
  checkboxes: (it) => choices(it, "checkbox"),
  radio_buttons: (it) => choices(it, "radio"),
};

function initial(spec) {
  return {
    value: spec.initial_value, selected_date: spec.initial_date, selected_time: spec.initial_time,
    selected_option: spec.initial_option, selected_options: spec.initial_options,
    selected_user: spec.initial_user, selected_channel: spec.initial_channel, selected_conversation: spec.initial_conversation,
  };
}

function holding(node, { block, spec }, read) {
  node.slack = { block: block.block_id, action: spec.action_id, read };
  node.setAttribute("data-holds", "");
  return node;
}

/** Return the ARIA attributes of a control: its label, hint and error, or its placeholder outside an input block. */
function naming({ names, spec }) {
  return {
    "aria-labelledby": names.labelledBy,
    "aria-describedby": names.describedBy,
    "aria-invalid": names.invalid ? "true" : undefined,
    "aria-required": names.required ? "true" : undefined,
    "aria-label": names.labelledBy ? undefined : spec.placeholder?.text ?? "Select an option",
    "data-focus": spec.focus_on_load,
  };
}

/** Return whether a change is sent immediately: always outside input blocks, and inside with `dispatch_action`. */
const sends = ({ block }) => block.type !== "input" || block.dispatch_action;

async function use(it, chosen, node) {
  if (it.spec.confirm && !(await askToConfirm(it.spec.confirm, it.context.directory))) return;
  node?.setAttribute("aria-busy", "true");
  await it.context.act(it.block, it.spec, chosen);
  node?.removeAttribute("aria-busy");
}

function button(it) {
  const { spec, context } = it;
  const node = h("button", { type: "button", class: `button ${spec.style ?? ""}`, "aria-label": spec.accessibility_label },
    textObject(spec.text, context.directory));
  node.addEventListener("click", () => {
    if (node.getAttribute("aria-busy")) return;
    if (/^https?:/.test(spec.url ?? "")) window.open(spec.url, "_blank", "noopener");
    use(it, undefined, node);
  });
  return node;
}

function overflow(it) {
  const node = h("button", { type: "button", class: "button overflow", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": "More actions" }, "⋯");
  const items = it.spec.options.map((option) => ({ label: option.text.text, option }));
  node.addEventListener("click", () => openMenu(node, items, ({ option }) => {
    if (/^https?:/.test(option.url ?? "")) window.open(option.url, "_blank", "noopener");
    use(it, option.value, node);
  }));
  return h("span", { class: "menu-anchor" }, node);
}

function typed(type) {
  return (it) => {
    const { spec } = it;
    const node = h(spec.multiline ? "textarea" : "input", {
      class: "control", type: spec.multiline ? undefined : type, value: it.held.value ?? "",
      placeholder: spec.placeholder?.text ?? "", maxLength: spec.max_length ?? 3000,
      inputMode: spec.type === "number_input" ? (spec.is_decimal_allowed ? "decimal" : "numeric") : undefined,
      rows: spec.multiline ? 4 : undefined, autocomplete: "off", ...naming(it),
    });
    node.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && it.block.dispatch_action && !spec.multiline) {
        event.preventDefault();
        use(it, node.value, node);
      }
    });
    return holding(node, it, () => node.value);
  };
}

function picker(type, field) {
  return (it) => {
    const node = h("input", { class: "control", type, value: it.held[field] ?? "", ...naming(it) });
    if (sends(it)) node.addEventListener("change", () => node.value && use(it, node.value, node));
    return holding(node, it, () => node.value || null);
  };
}

function dateTime(it) {
  const seconds = it.held.selected_date_time;
  const local = (s) => new Date(s * 1000 - new Date(s * 1000).getTimezoneOffset() * 60000).toISOString().slice(0, 16);
  const node = h("input", { class: "control", type: "datetime-local", value: seconds ? local(seconds) : "", ...naming(it) });
  const read = () => (node.value ? Math.floor(new Date(node.value).getTime() / 1000) : null);
  if (sends(it)) node.addEventListener("change", () => read() && use(it, read(), node));
  return holding(node, it, read);
}

const named = (option) => ({ value: option.value, label: option.text.text, description: option.description?.text });

function grouped(spec) {
  return spec.option_groups
    ? spec.option_groups.map((group) => ({ label: group.label.text, options: group.options.map(named) }))
    : [{ options: spec.options.map(named) }];
}

function people({ context }, { all = true } = {}) {
  const members = context.directory.members.filter((member) => !member.deleted && !member.is_bot && (all || !member.is_simulated));
  return [{ options: members.map((member) => ({ value: member.id, label: member.real_name })) }];
}

function channels({ context }, include = ["public", "private"]) {
  const fits = (channel) => !channel.is_im && include.includes(channel.is_private ? "private" : "public");
  return [{ options: context.directory.channels.filter(fits).map((channel) => ({ value: channel.id, label: `#${channel.name}` })) }];
}

const plainValue = (held) => (typeof held === "object" && held ? held.value : held ?? "");

function select(groups, field) {
  return (it) => {
    const option = ({ value, label }) => h("option", { value }, label);
    const node = h("select", { class: "control", ...naming(it) },
      h("option", { value: "" }, it.spec.placeholder?.text ?? "Select an option"),
      groups(it).map((group) => (group.label ? h("optgroup", { label: group.label }, group.options.map(option)) : group.options.map(option))));
    node.value = plainValue(it.held[field]);
    if (node.selectedIndex < 0) node.selectedIndex = 0;
    if (sends(it)) node.addEventListener("change", () => node.value && use(it, node.value, node));
    return holding(node, it, () => node.value || null);
  };
}

function ticked(groups, field) {
  return (it) => {
    const chosen = new Set((it.held[field] ?? []).map(plainValue));
    const options = groups(it).flatMap((group) => group.options);
    return boxes(it, "checkbox", options, chosen, "control ticked");
  };
}

function choices(it, type) {
  const chosen = new Set((it.held.selected_options ?? [it.held.selected_option]).filter(Boolean).map(plainValue));
  const options = it.spec.options.map((option) => ({ ...named(option), text: option.text, about: option.description }));
  return boxes(it, type, options, chosen, "choices");
}

function boxes(it, type, options, chosen, className) {
  const group = newId("group");
  const text = (object) => (object.text ? textObject(object.text, it.context.directory) : object.label);
  const rows = options.map((option) => {
    const box = h("input", { type, name: group, value: option.value, checked: chosen.has(option.value) });
    return h("label", { class: "choice" }, box, h("span", {}, text(option),
      option.about && h("small", {}, textObject(option.about, it.context.directory))));
  });
  const names = naming(it);
  if (type !== "radio") delete names["aria-required"];
  const node = h("div", { class: className, role: type === "radio" ? "radiogroup" : "group", ...names }, rows);
  const values = () => [...node.querySelectorAll("input:checked")].map((box) => box.value);
  const read = () => (type === "radio" ? values()[0] ?? null : values());
  if (sends(it)) node.addEventListener("change", () => use(it, read()));
  return holding(node, it, read);
}

function external(it, multiple) {
  const held = multiple ? it.held.selected_options ?? [] : [it.held.selected_option].filter(Boolean);
  const box = combobox({
    naming: naming(it), multiple, chosen: held.map(named),
    placeholder: it.spec.placeholder?.text ?? "Search…", minLength: it.spec.min_query_length ?? 3,
    find: async (query) => (await it.context.suggest(it.block, it.spec, query)).map(named),
    changed: (values) => { if (sends(it)) use(it, multiple ? values : values[0] ?? null); },
  });
  holding(box.node, it, () => (multiple ? box.values() : box.values()[0] ?? null));
  box.node.slack.chosen = box.chosen;
  return box.node;
}
