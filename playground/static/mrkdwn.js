// Slack's text objects as DOM nodes.

import { h } from "./dom.js";
import { slackDate } from "./dates.js";

const EMOJI = {
  tada: "🎉", calendar: "📅", spiral_calendar_pad: "🗓️", date: "📅", clock3: "🕒", alarm_clock: "⏰", bell: "🔔",
  round_pushpin: "📍", pushpin: "📌", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", ticket: "🎟️", admission_tickets: "🎟️", seat: "💺", wave: "👋",
  raising_hand: "🙋", busts_in_silhouette: "👥", bust_in_silhouette: "👤", lock: "🔒", unlock: "🔓", pencil: "📝",
  pencil2: "✏️", memo: "📝", gear: "⚙️", bulb: "💡", information_source: "ℹ️", sparkles: "✨", star: "⭐",
  thumbsup: "👍", "+1": "👍", heart: "❤️", no_entry: "⛔", no_entry_sign: "🚫", mega: "📣", loudspeaker: "📢",
  house: "🏠", point_right: "👉", arrow_up: "⬆️", arrow_right: "➡️", hammer_and_wrench: "🛠️", tea: "🍵",
  large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪", busstop: "🚏",
  chair: "🪑", clipboard: "📋", inbox_tray: "📥", outbox_tray: "📤", wastebasket: "🗑️", person_standing: "🧍",
};

const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">" };

/** Replace Slack's three escaped characters. */
export const unescape = (text) => text.replace(/&(amp|lt|gt);/g, (entity) => ENTITIES[entity]);

const withEmoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);

/** Return a plain_text or mrkdwn object as nodes. `directory` has members, channels and the reader's time zone. */
export function textObject(object, directory) {
  if (object.type === "mrkdwn") return mrkdwn(object.text, directory, { verbatim: object.verbatim });
  return lines(object.emoji === false ? object.text : withEmoji(object.text));
}

/** Return a mrkdwn string as nodes. */
export function mrkdwn(text, directory, { verbatim = false } = {}) {
  const context = { directory, verbatim };
  return split(text, /```\n?([\s\S]+?)\n?```/g, (code) => h("pre", {}, h("code", {}, unescape(code))),
    (rest) => quotes(rest, context));
}

/** Return text as nodes, with its line breaks. */
export function lines(text) {
  return text.split("\n").flatMap((line, number) => (number ? [h("br"), line] : [line]));
}

/** Split the text by `pattern`: `matched` renders each match from its groups, `between` the text in between. */
function split(text, pattern, matched, between) {
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > from) nodes.push(...between(text.slice(from, match.index)));
    nodes.push(matched(...match.slice(1)));
    from = match.index + match[0].length;
  }
  if (from < text.length) nodes.push(...between(text.slice(from)));
  return nodes;
}

function quotes(text, context) {
  return split(text, /((?:^|(?<=\n))(?:&gt;|>) ?.*(?:\n(?:&gt;|>) ?.*)*)\n?/g,
    (quote) => h("blockquote", {}, codes(quote.replace(/^(?:&gt;|>) ?/gm, ""), context)),
    (rest) => codes(rest, context));
}

function codes(text, context) {
  return split(text, /`([^`\n]+)`/g, (code) => h("code", {}, unescape(code)), (rest) => references(rest, context));
}

function references(text, context) {
  // Extract references first, so emphasis can enclose a reference but not split it.
  const found = [];
  const marked = text.replace(/<([^<>\n]+)>/g, (_, inside) => {
    found.push(reference(inside, context));
    return `\uE000${found.length - 1}\uE001`;
  });
  return emphasis(marked, context, found);
}

const EMPHASIS = [["b", "*"], ["i", "_"], ["s", "~"]];

function emphasis(text, context, found, level = 0) {
  if (level === EMPHASIS.length) return leaf(text, context, found);
  const [tag, mark] = EMPHASIS[level];
  const m = mark === "*" ? "\\*" : mark;
  const pattern = new RegExp(`(?<![\\p{L}\\p{N}${m}])${m}(?=[^\\s${m}])([^\\n${m}]*[^\\s${m}])${m}(?![\\p{L}\\p{N}${m}])`, "gu");
  const inner = (part) => emphasis(part, context, found, level + 1);
  return split(text, pattern, (inside) => h(tag, {}, inner(inside)), inner);
}

function leaf(text, context, found) {
  return split(text, /\uE000(\d+)\uE001/g, (number) => found[Number(number)], (rest) =>
    context.verbatim ? words(rest)
      : split(rest, /(https?:\/\/[^\s<>]+[^\s<>.,!?)])/g, (url) => link(unescape(url), unescape(url)), words));
}

const words = (text) => lines(withEmoji(unescape(text)));

function reference(inside, { directory }) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return person(target.slice(1), label, directory);
  if (target.startsWith("#")) return h("span", { class: "mention" }, `#${directory.channel(target.slice(1))?.name ?? label ?? "unknown"}`);
  if (target.startsWith("!date^")) return date(target, label, directory);
  if (target.startsWith("!")) return h("span", { class: "mention loud" }, `@${target.slice(1).split("^")[0]}`);
  return link(unescape(target), unescape(label ?? target));
}

function person(id, label, directory) {
  const member = directory.member(id);
  return h("span", { class: member?.id === directory.me ? "mention you" : "mention" }, `@${member?.real_name ?? label ?? id}`);
}

function date(target, fallback, directory) {
  const [, stamp, format, url] = target.split("^");
  const shown = slackDate(Number(stamp), unescape(format ?? ""), directory.zone) ?? unescape(fallback ?? "");
  const time = h("time", { dateTime: new Date(Number(stamp) * 1000).toISOString(), title: directory.zone }, shown);
  return url ? h("a", { href: safe(url), target: "_blank", rel: "noopener noreferrer" }, time) : time;
}

const safe = (url) => (/^(https?:|mailto:|tel:)/i.test(url) ? url : "#");

/** Return a link. */
export function link(url, label) {
  return h("a", { href: safe(url), target: "_blank", rel: "noopener noreferrer" }, label);
}
