// The messages of a channel or direct message. Only changed messages are rendered again.

import { blockNodes } from "./blocks.js";
import { clockTime, dayLine } from "./dates.js";
import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const list = document.getElementById("messages");
const scroll = document.getElementById("scroll");
let rendered = new Map(); // key -> {signature, node}
let renderedFor = "";

/** Show these messages, or `whenEmpty`. A new `key` (member, channel and clock) renders everything again. */
export function showMessages(key, messages, actions, whenEmpty) {
  const fresh = key !== renderedFor;
  const atEnd = fresh || scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
  if (fresh) rendered = new Map();
  renderedFor = key;
  const next = new Map();
  const isReply = (message) => message.ephemeral_to && !rendered.has(message.ts);
  const toEnd = atEnd || messages.some(isReply); // a member who has scrolled up would miss the reply
  let day = "";
  for (const message of messages) {
    const line = dayLine(message.ts, actions.directory.zone);
    if (line !== day) keep(next, `day ${line}`, line, () => h("li", { class: "day" }, h("span", {}, line)));
    day = line;
    keep(next, message.ts, JSON.stringify(message), () => row(message, actions));
  }
  if (!messages.length) keep(next, "empty", "", () => h("li", { class: "empty" }, whenEmpty));
  rendered = next;
  const nodes = [...next.values()].map((each) => each.node);
  if (fresh) list.replaceChildren(...nodes);
  else patch(nodes);
  if (toEnd) scroll.scrollTop = scroll.scrollHeight;
}

function keep(next, key, signature, make) {
  const old = rendered.get(key);
  next.set(key, old?.signature === signature ? old : { signature, node: make() });
}

/** Insert new nodes without moving existing ones, to keep the focus and open menus. */
function patch(nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, number) => {
    if (list.children[number] !== node) list.insertBefore(node, list.children[number] ?? null);
  });
}

function row(message, actions) {
  const { directory } = actions;
  const author = directory.member(message.user_id);
  const name = author?.real_name ?? message.user_id;
  return h("li", { class: message.ephemeral_to ? "message ephemeral" : "message", "data-ts": message.ts },
    avatar(author),
    h("div", { class: "body" },
      message.ephemeral_to && h("p", { class: "only-you" }, "Only visible to you"),
      h("p", { class: "byline" },
        h("strong", {}, name), author?.is_bot && h("span", { class: "badge" }, "APP"),
        h("time", { dateTime: new Date(message.ts * 1000).toISOString() }, clockTime(message.ts, directory.zone)),
        message.edited_ts && h("span", { class: "edited" }, "(edited)")),
      content(message, actions),
      message.files.map(file)));
}

function content(message, actions) {
  if (!message.blocks.length) return h("div", { class: "text" }, mrkdwn(message.text, actions.directory));
  const target = { channel: message.channel_id, ts: message.ts };
  const context = {
    directory: actions.directory,
    act: (block, element, chosen) => actions.click(target, block, element, chosen),
    suggest: (block, element, query) => actions.options(target, block, element, query),
  };
  return h("div", { class: "blocks" }, blockNodes(message.blocks, context));
}

function file(each) {
  return h("a", { class: "file", href: new URL(each.url_private).pathname, download: each.name },
    h("span", { class: "file-icon", "aria-hidden": "true" }, each.filetype),
    h("span", {}, h("strong", {}, each.title), h("small", {}, `${each.name} · ${each.size} bytes · download`)));
}

/** Return a colored square with the member's initials, or the app's icon. */
export function avatar(member) {
  if (member?.is_bot) return h("img", { class: "avatar", src: "/static/icon.svg", alt: "" });
  const initials = (member?.real_name ?? "?").split(/\s+/).map((word) => [...word][0]).slice(0, 2).join("");
  const hue = [...(member?.id ?? "")].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 12;
  return h("span", { class: `avatar hue-${hue}`, "aria-hidden": "true" }, initials);
}
