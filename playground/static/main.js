// The page as a whole: where one is, what is shown there, and what keeps it up to date.

import { backstage, showConditions } from "./backstage.js";
import { blockNodes } from "./blocks.js";
import { composer } from "./composer.js";
import { h, toast } from "./dom.js";
import { closeOnEscape, showModal } from "./modal.js";
import { readValues } from "./elements.js";
import { showMessages } from "./messages.js";
import { showRail, unreadFromApp } from "./rail.js";
import { act, readMessages, readState, watch } from "./server.js";

const $ = (id) => document.getElementById(id);
const asked = new URLSearchParams(location.search);

let state = null;
let member = asked.get("member") ?? "";
let place = asked.get("in") ?? ""; // a channel's id, "app" (its Home) or "app-messages"
let composedFor = "";
let homeShown = "";
let stopWatching = () => {};

const directMessage = () => state.channels.find((channel) => channel.is_im);
const channelHere = () => (place === "app" ? null : place === "app-messages" ? directMessage() : state.channels.find((channel) => channel.id === place));

const people = {
  get me() { return state.me; },
  get zone() { return people.member(state.me)?.tz ?? "UTC"; },
  get members() { return state.members; },
  get channels() { return state.channels; },
  member: (id) => state.members.find((each) => each.id === id),
  channel: (id) => state.channels.find((each) => each.id === id),
};

const FAILURES = {
  dispatch_failed: "could not be reached. Try again?",
  operation_timeout: "did not answer within three seconds. Try again?",
};

const complain = (failure) => failure && toast(failure in FAILURES ? `${state.app.name} ${FAILURES[failure]}` : failure);

async function doing(name, what) {
  const answer = await act(name, { member: state.me, ...what });
  complain(answer.failure);
  await refresh();
  return answer;
}

/** What blocks, messages and modals need of the page. */
const desk = {
  people,
  click: (target, block, element, chosen) =>
    doing("click", { ...target, block_id: block.block_id, action_id: element.action_id, value: element.type === "button" ? element.value : undefined, selected: chosen }),
  options: async (target, block, element, query) => {
    const { options, failure } = await act("options", { member: state.me, ...target, block_id: block.block_id, action_id: element.action_id, query });
    complain(failure);
    return options;
  },
  submit: (view, values) => doing("submit", { view, values }),
  close: (view, all) => doing("close", { view, all }),
};

const behind = backstage($("backstage"), { people, open: openBackstage });

// Refreshing: one at a time. What `refresh` returns resolves once what is so now is shown.

let running = null;
let next = null;

function refresh() {
  if (!running) return start();
  next ??= running.then(() => { next = null; return running ?? start(); });
  return next;
}

function start() {
  running = load().catch(() => {}).finally(() => { running = null; });
  return running;
}

async function load() {
  // Whoever moves on meanwhile has asked for another refresh, which must not be undone by this one.
  const asked = member;
  const fresh = await readState(asked);
  if (member !== asked) return;
  state = fresh;
  member = state.me;
  if (place !== "app" && !channelHere()) place = state.channels.find((channel) => channel.name === "events")?.id ?? state.channels[0]?.id ?? "app";
  const channel = channelHere();
  const messages = channel ? await readMessages(member, channel.id) : [];
  if (member !== state.me || channel !== channelHere()) return;
  show(channel, messages);
  if (channel?.unread && document.visibilityState === "visible") act("read", { member, channel: channel.id });
}

function show(channel, messages) {
  const appHere = place.startsWith("app");
  const name = appHere ? state.app.name : channel.is_private ? channel.name : `#${channel.name}`;
  $("title").replaceChildren(name, channel?.is_private && !appHere ? h("small", {}, " private") : "");
  document.title = `${name} · ${people.member(member).real_name}`;
  showRail($("rail"), { state, place, people, go, become });
  showTabs(appHere);
  $("messages").hidden = !channel;
  $("home").hidden = Boolean(channel);
  showComposer(channel, name);
  if (channel) showMessages(`${member} ${channel.id}`, messages, desk, appHere ? `What ${name} has to tell you comes here.` : `Nothing here yet. Type / below to see what ${state.app.name} can do.`);
  else showHome();
  showModal(state.stack, desk);
  $("backstage-button").hidden = !state.backstage;
  if (state.backstage) showConditions($("conditions"), state.backstage);
}

function showTabs(appHere) {
  $("tabs").hidden = !appHere;
  if (!appHere) return;
  const focused = document.activeElement?.dataset.tab;
  const tab = (key, label, unread) => h("button", {
    type: "button", role: "tab", "data-tab": key, "aria-controls": key === "app" ? "home" : "messages", "aria-selected": String(place === key), tabIndex: place === key ? 0 : -1, onclick: () => go(key),
  }, label, unread > 0 && h("span", { class: "unread" }, String(unread), h("span", { class: "sr-only" }, " unread")));
  $("tabs").replaceChildren(tab("app", "Home", 0), tab("app-messages", "Messages", unreadFromApp(state)));
  if (focused) $("tabs").querySelector(`[data-tab="${focused}"]`)?.focus();
}

function showHome() {
  const key = `${member} ${state.home?.hash}`;
  if (key === homeShown) return;
  homeShown = key;
  const root = $("home");
  if (!state.home) {
    root.replaceChildren(h("p", { class: "empty" }, `${state.app.name} has not drawn this page yet.`));
    return;
  }
  const { home } = state;
  root.replaceChildren(h("div", { class: "blocks" }, blockNodes(home.blocks, {
    people,
    state: home.state.values,
    act: (block, element, chosen) => desk.click({ view: home.id, values: readValues(root) }, block, element, chosen),
    suggest: (block, element, query) => desk.options({ view: home.id }, block, element, query),
  })));
}

function showComposer(channel, name) {
  const key = `${member} ${channel?.id}`;
  if (key === composedFor) return;
  composedFor = key;
  $("composer").replaceChildren();
  if (!channel || (channel.is_im && !state.app.messages_tab)) return;
  if (channel.is_im && state.app.messages_read_only) {
    $("composer").append(h("p", { class: "empty" }, "Sending messages to this app has been turned off."));
    return;
  }
  composer($("composer"), {
    label: name,
    commands: state.app.commands,
    send: (text) => doing("say", { channel: channel.id, text }),
    command: async (command, text) => (await doing("command", { channel: channel.id, name: command, text })).failure,
  });
}

// Moving about

function go(where) {
  place = where;
  history.pushState(null, "", address());
  openRail(false);
  refresh();
  if (where.startsWith("app")) act("home", { member: state.me, tab: where === "app" ? "home" : "messages" }).then(({ failure }) => complain(failure));
}

const address = () => `/?${new URLSearchParams({ member, in: place })}`;

async function become(who) {
  member = who;
  history.pushState(null, "", address());
  openRail(false);
  listen();
  await refresh();
  history.replaceState(null, "", address());
  if (place === "app") act("home", { member, tab: "home" });
}

function openRail(open) {
  document.body.classList.toggle("rail-open", open);
  $("scrim").hidden = !open;
  $("menu").setAttribute("aria-expanded", String(open));
  if (open) $("rail").querySelector("select, button")?.focus();
}

function openBackstage(open) {
  document.body.classList.toggle("backstage-open", open);
  $("backstage").hidden = !open;
  $("backstage-button").setAttribute("aria-expanded", String(open));
  if (open) behind.look();
  (open ? $("backstage").querySelector("button") : $("backstage-button")).focus();
}

function listen() {
  stopWatching();
  // What changed before the stream was there is not told by it.
  let lost = true;
  stopWatching = watch(member, refresh, (connected) => {
    document.body.classList.toggle("offline", !connected);
    if (connected && lost) refresh();
    lost = !connected;
  });
}

$("menu").addEventListener("click", () => openRail(!document.body.classList.contains("rail-open")));
$("scrim").addEventListener("click", () => openRail(false));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("rail-open")) { openRail(false); $("menu").focus(); }
});
$("backstage-button").addEventListener("click", () => openBackstage($("backstage").hidden));
$("backstage").addEventListener("keydown", (event) => event.key === "Escape" && openBackstage(false));
$("tabs").addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const other = $("tabs").querySelector('[aria-selected="false"]');
    other.focus();
    other.click();
  }
});
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && state && refresh());
window.addEventListener("popstate", () => {
  const query = new URLSearchParams(location.search);
  place = query.get("in") ?? place;
  const before = member;
  member = query.get("member") ?? member;
  refresh();
  if (member !== before) listen();
});
closeOnEscape(desk);

await refresh();
history.replaceState(null, "", address());
listen();
if (place === "app") act("home", { member, tab: "home" });
