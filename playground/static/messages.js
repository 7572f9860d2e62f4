// The list of messages in a channel or direct message; only what changed is drawn anew.

import { blockNodes } from "./blocks.js";
import { clockTime, dayLine } from "./dates.js";
import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const list = document.getElementById("messages");
const scroll = document.getElementById("scroll");
let drawn = new Map(); // key -> {signature, node}
let drawnFor = "";

/** Shows these messages, or `whenEmpty`; `key` names the member and place, so that another one starts afresh. */
export function showMessages(key, messages, desk, whenEmpty) {
  const fresh = key !== drawnFor;
  const atEnd = fresh || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  if (fresh) drawn = new Map();
  drawnFor = key;
  const next = new Map();
  let day = "";
  for (const message of messages) {
    const line = dayLine(message.ts, desk.people.zone);
    if (line !== day) keep(next, `day ${line}`, line, () => h("li", { class: "day" }, h("span", {}, line)));
    day = line;
    keep(next, message.ts, JSON.stringify(message), () => row(message, desk));
  }
  if (!messages.length) keep(next, "empty", "", () => h("li", { class: "empty" }, whenEmpty));
  drawn = next;
  const nodes = [...next.values()].map((each) => each.node);
  if (fresh) list.replaceChildren(...nodes);
  else patch(nodes);
  if (atEnd) scroll.scrollTop = scroll.scrollHeight;
}

function keep(next, key, signature, make) {
  const old = drawn.get(key);
  next.set(key, old?.signature === signature ? old : { signature, node: make() });
}

/** Puts the nodes in place without moving those that are there, so that focus and open menus stay. */
function patch(nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, number) => {
    if (list.children[number] !== node) list.insertBefore(node, list.children[number] ?? null);
  });
}

function row(message, desk) {
  const { people } = desk;
  const author = people.member(message.user_id);
  const name = author?.real_name ?? message.user_id;
  return h("li", { class: message.ephemeral_to ? "message ephemeral" : "message", "data-ts": message.ts },
    avatar(author),
    h("div", { class: "body" },
      message.ephemeral_to && h("p", { class: "only-you" }, "Only visible to you"),
      h("p", { class: "byline" },
        h("strong", {}, name), author?.is_bot && h("span", { class: "badge" }, "APP"),
        h("time", { dateTime: new Date(message.ts * 1000).toISOString() }, clockTime(message.ts, people.zone)),
        message.edited_ts && h("span", { class: "edited" }, "(edited)")),
      content(message, desk),
      message.files.map(file)));
}

function content(message, desk) {
  if (!message.blocks.length) return h("div", { class: "text" }, mrkdwn(message.text, desk.people));
  const target = { channel: message.channel_id, ts: message.ts };
  const place = {
    people: desk.people,
    act: (block, element, chosen) => desk.click(target, block, element, chosen),
    suggest: (block, element, query) => desk.options(target, block, element, query),
  };
  return h("div", { class: "blocks" }, blockNodes(message.blocks, place));
}

function file(each) {
  return h("a", { class: "file", href: new URL(each.url_private).pathname, download: each.name },
    h("span", { class: "file-icon", "aria-hidden": "true" }, each.filetype),
    h("span", {}, h("strong", {}, each.title), h("small", {}, `${each.name} · ${each.size} bytes · download`)));
}

/** A colored square with the member's initials, or the app's mark. */
export function avatar(member) {
  if (member?.is_bot) return h("img", { class: "avatar", src: "/static/icon.svg", alt: "" });
  const initials = (member?.real_name ?? "?").split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("");
  const hue = [...(member?.id ?? "")].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 12;
  return h("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, initials);
}
