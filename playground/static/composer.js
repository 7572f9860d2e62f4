// The message box, with completion and usage hints for slash commands.

import { h, toast } from "./dom.js";

const INVITE = { name: "/invite", usage_hint: "@Rollcall", description: "Add an app to this channel (built into Slack)" };

/** Show the composer of a channel. `send(text)` posts a message, `command(name, text)` runs a slash command. */
export function composer(root, { label, commands, send, command }) {
  const known = [...commands, INVITE];
  const list = h("ul", { class: "completions", id: "completions", role: "listbox", "aria-label": "Commands", hidden: true });
  const hint = h("p", { class: "usage", id: "usage", "aria-live": "polite" });
  const text = h("input", {
    class: "control", id: "message", type: "text", autocomplete: "off", placeholder: `Message ${label} or type /`, "aria-label": `Message ${label}`,
    role: "combobox", "aria-expanded": "false", "aria-controls": "completions", "aria-autocomplete": "list", "aria-describedby": "usage",
  });
  const button = h("button", { class: "button primary send", type: "submit", "aria-label": "Send" }, "➤");
  const form = h("form", { class: "composer-form" }, list, hint, h("div", { class: "composer-row" }, text, button));
  let offered = [];
  let active = 0;

  function complete() {
    const typed = text.value;
    const starting = /^\/\S*$/.test(typed) ? known.filter((each) => each.name.startsWith(typed)) : [];
    offered = [...starting.filter((each) => each.name === typed), ...starting.filter((each) => each.name !== typed)];
    active = Math.min(active, Math.max(offered.length - 1, 0));
    draw();
    const whole = known.find((each) => typed === each.name || typed.startsWith(`${each.name} `));
    hint.replaceChildren(...(whole && !offered.length && whole.usage_hint ? [h("code", {}, `${whole.name} ${whole.usage_hint}`), ` ${whole.description}`] : []));
  }

  function draw() {
    list.replaceChildren(...offered.map((each, number) => h("li", {
      id: `completion-${number}`, role: "option", "aria-selected": String(number === active),
      onpointerdown: (event) => { event.preventDefault(); choose(each); },
    }, h("strong", {}, each.name), h("span", { class: "usage-hint" }, ` ${each.usage_hint}`), h("small", {}, each.description))));
    list.hidden = !offered.length;
    text.setAttribute("aria-expanded", String(!list.hidden));
    if (list.hidden) text.removeAttribute("aria-activedescendant");
    else text.setAttribute("aria-activedescendant", `completion-${active}`);
    list.children[active]?.scrollIntoView({ block: "nearest" });
  }

  function choose(each) {
    text.value = `${each.name} `;
    complete();
    text.focus();
  }

  async function submit() {
    const typed = text.value.trim();
    if (!typed) return;
    text.value = "";
    complete();
    if (!typed.startsWith("/")) { await send(typed); return; }
    const [, name, rest] = typed.match(/^(\S+)\s*([\s\S]*)$/);
    const failed = await command(name, rest);
    if (failed && !text.value) { text.value = typed; complete(); }
  }

  text.addEventListener("input", () => { active = 0; complete(); });
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (offered.length && step) {
      event.preventDefault();
      active = (active + step + offered.length) % offered.length;
      draw();
    } else if (offered.length && event.key === "Escape") {
      offered = [];
      draw();
    } else if (offered.length && (event.key === "Tab" || (event.key === "Enter" && offered[active].name !== text.value))) {
      event.preventDefault();
      choose(offered[active]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  text.addEventListener("blur", () => { offered = []; draw(); });
  form.addEventListener("submit", (event) => { event.preventDefault(); submit().catch((error) => toast(String(error))); });
  root.replaceChildren(form);
  complete();
}
