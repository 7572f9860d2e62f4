// The sidebar: the current member, the channels, the app.

import { h } from "./dom.js";
import { avatar } from "./messages.js";

/** Show the sidebar. `open(location)` opens a channel or the app; `switchMember(id)` switches the member. */
export function showRail(root, { state, location, directory, open, switchMember }) {
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const me = directory.member(state.me);
  const channels = state.channels.filter((channel) => !channel.is_im);
  root.replaceChildren(
    h("div", { class: "workspace" }, h("img", { src: "/static/icon.svg", alt: "", width: 32, height: 32 }),
      h("div", {}, h("strong", {}, state.team), h("small", {}, "simulated Slack workspace"))),
    switcher(state, me, switchMember),
    h("h2", {}, "Channels"),
    h("ul", {}, channels.map((channel) => entry({
      key: channel.id, mark: channel.is_private ? h("img", { src: "/static/lock.svg", alt: "" }) : "#", name: channel.name, unread: location === channel.id ? 0 : channel.unread, current: location === channel.id, open,
    }))),
    h("h2", {}, "Apps"),
    h("ul", {}, entry({
      key: "app", icon: avatar({ is_bot: true }), name: state.app.name, unread: unreadFromApp(state), current: location.startsWith("app"), open,
    })));
  if (focused) root.querySelector(`[data-key="${focused}"]`)?.focus();
}

/** Return the number of unread direct messages from the app. */
export const unreadFromApp = (state) => state.channels.find((channel) => channel.is_im)?.unread ?? 0;

function entry({ key, mark, icon, name, unread, current, open }) {
  return h("li", {}, h("button", {
    type: "button", class: unread ? "entry has-unread" : "entry", "data-key": key, "aria-current": current ? "page" : undefined, onclick: () => open(key),
  },
    icon ?? h("span", { class: "mark", "aria-hidden": "true" }, mark), h("span", { class: "name" }, name),
    unread > 0 && h("span", { class: "unread" }, String(unread), h("span", { class: "sr-only" }, " unread"))));
}

function switcher(state, me, switchMember) {
  const members = state.members.filter((member) => !member.is_bot && !member.deleted && (!member.is_simulated || member === me));
  const select = h("select", { id: "member", "data-key": "member", onchange: () => switchMember(select.value) },
    members.map((member) => h("option", { value: member.id, selected: member.id === state.me }, member.real_name)));
  const other = members[(members.findIndex((member) => member.id === state.me) + 1) % members.length];
  return h("div", { class: "switcher" }, avatar(me),
    h("div", {}, h("label", { for: "member" }, "You are"), select, h("small", {}, me.tz.replaceAll("_", " "), me.is_admin && " · admin")),
    other && h("a", { class: "second", href: `/?member=${other.id}`, target: "_blank", rel: "noopener" },
      `Open as ${other.real_name.split(" ")[0]} in a new window`));
}
