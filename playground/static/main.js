// The page as a whole: the current member and pane, rendering, and updates.

import { backstage, showConditions } from "./backstage.js";
import { blockNodes } from "./blocks.js";
import { composer } from "./composer.js";
import { setAhead } from "./dates.js";
import { h, toast, untilReleased } from "./dom.js";
import { closeOnEscape, showModal } from "./modal.js";
import { readValues } from "./elements.js";
import { showMessages } from "./messages.js";
import { showRail, unreadFromApp } from "./rail.js";
import { act, readMessages, readState, watch } from "./server.js";

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

let state = null;
let member = query.get("member") ?? "";
let pane = query.get("in") ?? ""; // a channel id, "app" (its Home tab) or "app-messages"
let composerKey = "";
let homeKey = "";
let stopWatching = () => {};

const directMessage = () => state.channels.find((channel) => channel.is_im);
const currentChannel = () => (pane === "app" ? null : pane === "app-messages" ? directMessage() : state.channels.find((channel) => channel.id === pane));

const directory = {
  get me() { return state.me; },
  get zone() { return directory.member(state.me)?.tz ?? "UTC"; },
  get members() { return state.members; },
  get channels() { return state.channels; },
  member: (id) => state.members.find((each) => each.id === id),
  channel: (id) => state.channels.find((each) => each.id === id),
};

const FAILURES = {
  dispatch_failed: "couldn’t be reached. Try again?",
  operation_timeout: "didn’t respond within three seconds. Try again?",
};

const showFailure = (failure) => failure && toast(failure in FAILURES ? `${state.app.name} ${FAILURES[failure]}` : failure);

async function perform(name, body) {
  const result = await act(name, { member: state.me, ...body });
  showFailure(result.failure);
  await refresh();
  return result;
}

/** The directory and the actions that blocks, messages and modals use. */
const actions = {
  directory,
  click: (target, block, element, chosen) =>
    perform("click", { ...target, block_id: block.block_id, action_id: element.action_id, value: element.type === "button" ? element.value : undefined, selected: chosen }),
  options: async (target, block, element, query) => {
    const { options, failure } = await act("options", { member: state.me, ...target, block_id: block.block_id, action_id: element.action_id, query });
    showFailure(failure);
    return options;
  },
  submit: (view, values) => perform("submit", { view, values }),
  close: (view, all) => perform("close", { view, all }),
};

const panel = backstage($("backstage"), { directory, open: openBackstage });

// Refreshing: one at a time. The promise resolves once the state at the time of the call is on the page.

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
  // If the member or pane changes meanwhile, another refresh is queued; don't render outdated data.
  const requested = member;
  const fresh = await readState(requested);
  if (member !== requested) return;
  state = fresh;
  member = state.me;
  if (pane !== "app" && !currentChannel()) pane = state.channels.find((channel) => channel.name === "events")?.id ?? state.channels[0]?.id ?? "app";
  const channel = currentChannel();
  const messages = channel ? await readMessages(member, channel.id) : [];
  await untilReleased();
  if (member !== state.me || channel !== currentChannel()) return;
  show(channel, messages);
  if (channel?.unread && document.visibilityState === "visible") act("read", { member, channel: channel.id });
}

function show(channel, messages) {
  const ahead = state.backstage?.ahead ?? 0;
  setAhead(ahead);
  const isApp = pane.startsWith("app");
  const name = isApp ? state.app.name : channel.is_private ? channel.name : `#${channel.name}`;
  $("title").replaceChildren(name, channel?.is_private && !isApp ? h("small", {}, " private") : "");
  document.title = `${name} · ${directory.member(member).real_name}`;
  showRail($("rail"), { state, location: pane, directory, open: openPane, switchMember });
  showTabs(isApp);
  $("messages").hidden = !channel;
  $("home").hidden = Boolean(channel);
  showComposer(channel, name);
  if (channel) showMessages(`${member} ${channel.id} ${ahead}`, messages, actions, isApp ? `No messages yet. ${name} will message you here.` : `No messages yet. Type / to see what ${state.app.name} can do.`);
  else showHome();
  showModal(state.stack, actions);
  $("backstage-button").hidden = !state.backstage;
  if (state.backstage) showConditions($("conditions"), state.backstage);
}

function showTabs(isApp) {
  $("tabs").hidden = !isApp;
  if (!isApp) return;
  const focused = document.activeElement?.dataset.tab;
  const tab = (key, label, unread) => h("button", {
    type: "button", role: "tab", "data-tab": key, "aria-controls": key === "app" ? "home" : "messages", "aria-selected": String(pane === key), tabIndex: pane === key ? 0 : -1, onclick: () => openPane(key),
  }, label, unread > 0 && h("span", { class: "unread" }, String(unread), h("span", { class: "sr-only" }, " unread")));
  $("tabs").replaceChildren(tab("app", "Home", 0), tab("app-messages", "Messages", unreadFromApp(state)));
  if (focused) $("tabs").querySelector(`[data-tab="${focused}"]`)?.focus();
}

function showHome() {
  const key = `${member} ${state.home?.hash}`;
  if (key === homeKey) return;
  homeKey = key;
  const root = $("home");
  if (!state.home) {
    root.replaceChildren(h("p", { class: "empty" }, `${state.app.name} hasn’t published its Home tab yet.`));
    return;
  }
  const { home } = state;
  root.replaceChildren(h("div", { class: "blocks" }, blockNodes(home.blocks, {
    directory,
    state: home.state.values,
    act: (block, element, chosen) => actions.click({ view: home.id, values: readValues(root) }, block, element, chosen),
    suggest: (block, element, query) => actions.options({ view: home.id }, block, element, query),
  })));
}

function showComposer(channel, name) {
  const key = `${member} ${channel?.id}`;
  if (key === composerKey) return;
  composerKey = key;
  $("composer").replaceChildren();
  if (!channel || (channel.is_im && !state.app.messages_tab)) return;
  if (channel.is_im && state.app.messages_read_only) {
    $("composer").append(h("p", { class: "empty" }, "Sending messages to this app has been turned off."));
    return;
  }
  composer($("composer"), {
    label: name,
    commands: state.app.commands,
    send: (text) => perform("say", { channel: channel.id, text }),
    command: async (command, text) => (await perform("command", { channel: channel.id, name: command, text })).failure,
  });
}

// Navigation

function openPane(name) {
  pane = name;
  history.pushState(null, "", address());
  openRail(false);
  refresh();
  if (name.startsWith("app")) act("home", { member: state.me, tab: name === "app" ? "home" : "messages" }).then(({ failure }) => showFailure(failure));
}

const address = () => `/?${new URLSearchParams({ member, in: pane })}`;

async function switchMember(id) {
  member = id;
  history.pushState(null, "", address());
  openRail(false);
  listen();
  await refresh();
  history.replaceState(null, "", address());
  if (pane === "app") act("home", { member, tab: "home" });
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
  if (open) panel.load();
  (open ? $("backstage").querySelector("button") : $("backstage-button")).focus();
}

function listen() {
  stopWatching();
  // The stream doesn't report changes from before it was open, so refresh after each (re)connection.
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
  pane = query.get("in") ?? pane;
  const before = member;
  member = query.get("member") ?? member;
  refresh();
  if (member !== before) listen();
});
closeOnEscape(actions);

await refresh();
history.replaceState(null, "", address());
listen();
if (pane === "app") act("home", { member, tab: "home" });
