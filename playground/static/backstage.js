// Backstage: the rush, how Slack answers the bot, and whether the bot runs. Looked at anew as long as it is open.

import { h, toast } from "./dom.js";
import { rush } from "./rush.js";
import { readBackstage, turn } from "./server.js";

const LOOK_EVERY = 400; // milliseconds
const CALLS_SHOWN = 8;

const SLACK = {
  fine: { label: "Works", about: "Slack answers the bot at once.", trouble: "" },
  slow: { label: "Slow", about: "Slack’s answers to the bot come 1.5 seconds late.", trouble: "Slack is slow: the bot waits for each answer." },
  limited: { label: "Limited", about: "Of each method one call a second goes through; the others meet a 429.", trouble: "Slack rate-limits the bot: one call a second of each kind." },
  down: { label: "Down", about: "Every call of the bot meets a 503.", trouble: "Slack is down for the bot: what it has to say comes later." },
};

/** Fills the panel; `people` is the page's, `open(bool)` shows or hides it. Returns `{look}`. */
export function backstage(root, { people, open }) {
  const size = h("input", { class: "control", id: "rush-size", type: "number", min: 1, max: 1000, value: 300, required: true });
  const button = h("select", { class: "control", id: "rush-button", required: true });
  const start = h("button", { type: "submit", class: "button primary" }, "Start the rush");
  const form = h("form", { class: "rush-form", onsubmit: startRush },
    h("label", { for: "rush-size" }, "Members"), size, h("label", { for: "rush-button" }, "press"), button, start);
  const result = rush(people);
  const slack = h("div", { class: "segments", role: "radiogroup", "aria-label": "Slack" }, Object.entries(SLACK).map(([value, { label }]) =>
    h("label", {}, h("input", { type: "radio", class: "sr-only", name: "slack", value, onchange: () => set("slack", { slack: value }) }), label)));
  const about = h("p", { class: "about" });
  const bot = h("button", { type: "button", class: "button", onclick: () => set("bot", { running: bot.dataset.running !== "true" }, bot) }, "Stop the bot");
  const botAbout = h("p", { class: "about" });
  const calls = h("ol", { class: "calls" });
  let timer = 0;
  let latest = 0;
  let offered = "";

  root.replaceChildren(
    h("header", {}, h("h2", {}, "Backstage"), h("button", { type: "button", class: "icon-button", "aria-label": "Close backstage", onclick: () => open(false) }, "×")),
    h("section", {}, h("h3", {}, "Slack"), slack, about, h("h3", {}, "The bot"), bot, botAbout),
    h("section", {}, h("h3", {}, "A rush"), h("p", { class: "about" }, "Simulated members press a button within one second; each press takes the way of a real one."), form, result.node),
    h("section", {}, h("h3", {}, "What the bot calls"), calls));

  async function startRush(event) {
    event.preventDefault();
    const [channel, ts] = button.value.split(" ");
    await set("rush", { member: people.me, channel, ts, size: size.valueAsNumber }, start);
  }

  async function set(name, asked, pressed) {
    clearTimeout(timer);
    latest += 1; // what is on its way tells how it was before
    pressed?.setAttribute("aria-busy", "true");
    const { failure } = await turn(name, asked);
    pressed?.removeAttribute("aria-busy");
    if (failure) toast(failure);
    await look();
  }

  async function look() {
    clearTimeout(timer);
    const mine = ++latest;
    const seen = await readBackstage(people.me, result.seen()).catch(() => null);
    if (mine !== latest) return;
    if (seen) show(seen);
    if (!root.hidden) timer = setTimeout(look, LOOK_EVERY);
  }

  function show(seen) {
    slack.querySelector(`[value="${seen.slack}"]`).checked = true;
    about.textContent = SLACK[seen.slack].about;
    bot.dataset.running = String(seen.bot);
    bot.textContent = seen.bot ? "Stop the bot" : "Start the bot";
    botAbout.textContent = seen.bot ? "It runs." : "It is stopped, and answers nobody. Started again, it sends what it owes.";
    showButtons(seen.buttons);
    showCalls(seen.calls);
    start.disabled = !seen.buttons.length || Boolean(seen.rush && !seen.rush.over);
    result.show(seen.rush);
  }

  /** The newest calls first; the same one several times is one line. */
  function showCalls(made) {
    const lines = [];
    for (const call of made) {
      const last = lines.at(-1);
      if (last?.method === call.method && last.outcome === call.outcome) last.times += 1;
      else lines.push({ ...call, times: 1 });
    }
    calls.replaceChildren(...lines.slice(0, CALLS_SHOWN).map(({ method, outcome, ok, times }) =>
      h("li", { class: ok ? "" : "failed" }, h("code", {}, method), times > 1 && h("small", {}, `${times} ×`), h("span", {}, outcome))));
    if (!lines.length) calls.replaceChildren(h("li", {}, "Nothing yet."));
  }

  function showButtons(buttons) {
    const now = JSON.stringify(buttons);
    if (now === offered) return;
    offered = now;
    const chosen = button.value;
    button.replaceChildren(...buttons.map((each) => h("option", { value: `${each.channel_id} ${each.ts}` }, `${each.label} · ${each.title}`)));
    if (!buttons.length) button.replaceChildren(h("option", { value: "" }, "There is no card yet"));
    if (buttons.some((each) => `${each.channel_id} ${each.ts}` === chosen)) button.value = chosen;
  }

  return { look };
}

/** Says above the messages what is not as it should be. */
export function showConditions(root, { slack, bot }) {
  const trouble = [bot ? "" : "The bot is stopped: nobody is answered.", SLACK[slack].trouble].filter(Boolean).join(" ");
  if (root.textContent !== trouble) root.textContent = trouble;
}
