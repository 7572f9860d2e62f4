// Backstage, the demo's control panel: Slack's condition, the bot's on/off switch, the clock, and the rush. Polls while open.

import { demoTime, slackDate } from "./dates.js";
import { h, toast } from "./dom.js";
import { rush } from "./rush.js";
import { readBackstage, setSwitch } from "./server.js";

const POLL_MS = 400;
const CALLS_SHOWN = 8;

const SLACK = {
  normal: { label: "Normal", about: "Slack responds immediately.", warning: "" },
  slow: { label: "Slow", about: "Slack takes 1.5 seconds longer to respond to the bot.", warning: "Slack is slow. The bot waits for each response." },
  rate_limited: { label: "Rate limited", about: "Slack accepts one call per second of each API method and responds to the rest with 429.", warning: "Slack is rate limiting the bot. Some messages will arrive late." },
  down: { label: "Down", about: "Slack responds to every API call with 503.", warning: "Slack is down for the bot. Messages will arrive when it’s back." },
};

const LATER = { "+1 hour": 1, "+1 day": 24, "+1 week": 168 };

const HANDLERS = {
  process: { label: "The bot’s process", about: "It handles many presses at once. Those that wait together share a commit." },
  lambda: { label: "Lambda functions", about: "Each handles one press at a time. Presses that collide wait in the event’s queue and share commits. Database calls take as long as on AWS. All functions share this machine, so at most 32 run at a time." },
};

/** Build the panel. `open(bool)` shows or hides it. Return `{load}`, which starts polling. */
export function backstage(root, { directory, open }) {
  const size = h("input", { class: "control", id: "rush-size", type: "number", min: 1, max: 1000, value: 300, required: true });
  const button = h("select", { class: "control", id: "rush-button", required: true });
  // There are no buttons to choose from before the first response.
  const start = h("button", { type: "submit", class: "button primary", disabled: true }, "Start rush");
  const handler = h("select", { class: "control", id: "rush-handler", onchange: showHandler }, Object.entries(HANDLERS).map(([value, { label }]) => h("option", { value }, label)));
  const aboutHandler = h("p", { class: "about" });
  const form = h("form", { class: "rush-form", onsubmit: startRush },
    h("label", { for: "rush-size" }, "Members"), size, h("label", { for: "rush-handler" }, "Handled by"), handler, aboutHandler,
    h("label", { for: "rush-button" }, "Button"), button, start);
  const result = rush(directory);
  const slack = h("div", { class: "segments", role: "radiogroup", "aria-label": "Slack" }, Object.entries(SLACK).map(([value, { label }]) =>
    h("label", {}, h("input", { type: "radio", class: "sr-only", name: "slack", value, onchange: setSlack }), label)));
  const method = h("select", { class: "control", id: "slack-method", onchange: setSlack }, h("option", { value: "" }, "All methods"));
  const methodRow = h("div", { class: "method-row" }, h("label", { for: "slack-method" }, "API method"), method);
  const about = h("p", { class: "about" });
  const bot = h("button", { type: "button", class: "button", onclick: () => set("bot", { running: bot.dataset.running !== "true" }, bot) }, "Stop bot");
  const botAbout = h("p", { class: "about" });
  const clock = h("p", { class: "clock" });
  const later = h("div", { class: "later" }, Object.entries(LATER).map(([label, hours]) =>
    h("button", { type: "button", class: "button", onclick: (event) => set("clock", { hours }, event.currentTarget) }, label)));
  const calls = h("ol", { class: "calls" });
  let timer = 0;
  let latest = 0;
  let offered = "";

  root.replaceChildren(
    h("header", {}, h("h2", {}, "Backstage"), h("button", { type: "button", class: "icon-button", "aria-label": "Close Backstage", onclick: () => open(false) }, "×")),
    h("section", {}, h("h3", {}, "Slack"), slack, methodRow, about, h("h3", {}, "Bot"), bot, botAbout),
    h("section", {}, h("h3", {}, "Clock"), clock, later, h("p", { class: "about" }, "The bot does what is due on the way: it sends reminders, closes events that have started, and creates the next dates of a series.")),
    h("section", {}, h("h3", {}, "Rush"), h("p", { class: "about" }, "Up to 1,000 simulated members press the same button within one second."), form, result.node),
    h("section", {}, h("h3", {}, "Recent API calls"), calls));

  showHandler();

  function showHandler() {
    aboutHandler.textContent = HANDLERS[handler.value].about;
  }

  function setSlack() {
    return set("slack", { slack: slack.querySelector(":checked").value, method: method.value });
  }

  async function startRush(event) {
    event.preventDefault();
    const [channel, ts] = button.value.split(" ");
    await set("rush", { member: directory.me, channel, ts, size: size.valueAsNumber, lambda: handler.value === "lambda" }, start);
  }

  async function set(name, body, pressed) {
    clearTimeout(timer);
    latest += 1; // ignore responses from before this change
    pressed?.setAttribute("aria-busy", "true");
    const { failure } = await setSwitch(name, body);
    pressed?.removeAttribute("aria-busy");
    if (failure) toast(failure);
    await load();
  }

  async function load() {
    clearTimeout(timer);
    const mine = ++latest;
    const now = await readBackstage(directory.me, result.known()).catch(() => null);
    if (mine !== latest) return;
    if (now) show(now);
    if (!root.hidden) timer = setTimeout(load, POLL_MS);
  }

  function show(now) {
    slack.querySelector(`[value="${now.slack}"]`).checked = true;
    showMethods(now.methods);
    if (method.value !== now.method) method.value = now.method;
    about.textContent = sentence(now.slack, now.method, "about");
    bot.dataset.running = String(now.bot);
    bot.textContent = now.bot ? "Stop bot" : "Start bot";
    botAbout.textContent = now.bot ? "The bot is running." : "The bot is stopped. When you start it, it sends all pending notifications.";
    clock.textContent = slackDate(demoTime(), "{date_long}, {time}", directory.zone);
    showButtons(now.buttons);
    showCalls(now.calls);
    start.disabled = !now.buttons.length || Boolean(now.rush && !now.rush.is_over);
    result.show(now.rush);
  }

  function showMethods(methods) {
    if (method.options.length > 1) return; // they never change
    method.append(...methods.map((name) => h("option", { value: name }, name)));
  }

  /** List the newest calls first. Merge repeated calls into one row. */
  function showCalls(recent) {
    const rows = [];
    for (const call of recent) {
      const last = rows.at(-1);
      if (last?.method === call.method && last.outcome === call.outcome) last.times += 1;
      else rows.push({ ...call, times: 1 });
    }
    calls.replaceChildren(...rows.slice(0, CALLS_SHOWN).map(({ method, outcome, ok, times }) =>
      h("li", { class: ok ? "" : "failed" }, h("code", {}, method), times > 1 && h("small", {}, `${times} ×`), h("span", {}, outcome))));
    if (!rows.length) calls.replaceChildren(h("li", {}, "No API calls yet."));
  }

  function showButtons(buttons) {
    const now = JSON.stringify(buttons);
    if (now === offered) return;
    offered = now;
    const selected = button.value;
    button.replaceChildren(...buttons.map((each) => h("option", { value: `${each.channel_id} ${each.ts}` }, `${each.label} · ${each.title}`)));
    if (!buttons.length) button.replaceChildren(h("option", { value: "" }, "No event cards yet"));
    if (buttons.some((each) => `${each.channel_id} ${each.ts}` === selected)) button.value = selected;
  }

  return { load };
}

/** Return how Slack is, as `about` or `warning`, for all methods or the one that is chosen. */
function sentence(slack, method, kind) {
  if (!method || slack === "normal") return SLACK[slack][kind];
  return `Slack’s ${method} is ${SLACK[slack].label.toLowerCase()}. Everything else is normal.`;
}

/** Show a warning above the messages if Slack or the bot has a problem. */
export function showConditions(root, { slack, method, bot }) {
  const warning = [bot ? "" : "The bot is stopped and won’t respond.", sentence(slack, method, "warning")].filter(Boolean).join(" ");
  if (root.textContent !== warning) root.textContent = warning;
}
