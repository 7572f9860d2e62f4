// A rush as it goes: how many were answered, what they were told, and the line as it forms.

import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const PLACE = /\b(\d+(?:st|nd|rd|th)) on the waitlist\b/;
const ANY_PLACE = "\uE000 on the waitlist"; // what all answers with a place have in common

/** "seat", "line", "failed" or "other": what an answer means to who reads it. */
function kindOf({ text, failure }) {
  if (failure) return "failed";
  if (PLACE.test(text)) return "line";
  return /\bhave a seat\b/.test(text) ? "seat" : "other";
}

const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)} s`;

/** Returns `{node, show(rush), seen()}`: `seen` says which rush is shown, and how many of its answers. */
export function rush(people) {
  const headline = h("p", { class: "headline" });
  const said = h("p", { class: "sr-only", role: "status" });
  const facts = h("dl", { class: "facts" });
  const crowd = h("div", { class: "crowd", role: "img" });
  const groups = h("ul", { class: "groups" });
  const line = h("ol", { class: "line" });
  const scroll = h("div", { class: "line-scroll", tabIndex: 0, role: "region", "aria-label": "The line" }, line);
  const lineTitle = h("h4", {}, "The line");
  const node = h("div", { class: "rush", hidden: true }, headline, said, facts, crowd, groups, lineTitle, scroll);
  let told = [];
  let number = 0; // of the rush that `told` is of
  let drawn = "";

  /** Takes what came since `seen()`, or the beginning of another rush, or that there is none. */
  function show(now) {
    node.hidden = !now;
    if (now?.number !== number) told = [];
    number = now?.number ?? 0;
    if (!now) return;
    told.push(...now.told);
    const state = JSON.stringify([number, now.answered, now.commits, now.over, now.card]);
    if (state !== drawn) draw(now);
    drawn = state;
  }

  function draw(now) {
    const last = Math.max(0, ...told.map((each) => each.answered));
    headline.replaceChildren(h("strong", {}, `${now.answered} of ${now.size} answered`), now.answered ? ` in ${seconds(last)}` : "");
    said.textContent = now.over ? `${headline.textContent}, with ${now.commits} commits` : "";
    facts.replaceChildren(...[
      ["Commits", now.commits && `${now.commits}, the largest for ${now.largest} at once`],
      ["Answer", told.length && `${seconds(median(told))} after the press in the median, ${seconds(Math.max(...told.map(took)))} at most`],
      ["Card", now.card?.changed && `“${now.card.text}” after ${seconds(now.card.changed)}`],
    ].filter(([, text]) => text).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
    showCrowd(now);
    showGroups();
    showLine();
  }

  /** A square for each member, colored in the order of the answers. */
  function showCrowd({ size, answered }) {
    if (crowd.children.length !== size) crowd.replaceChildren(...Array.from({ length: size }, () => h("i")));
    [...crowd.children].forEach((square, at) => { square.className = told[at] ? kindOf(told[at]) : ""; });
    crowd.setAttribute("aria-label", `${answered} of ${size} answered`);
  }

  /** Those who were told the same; places in line are told from the first to the last. */
  function showGroups() {
    const found = new Map();
    for (const each of told) {
      const text = each.failure ?? each.text;
      const key = text.replace(PLACE, ANY_PLACE);
      const group = found.get(key) ?? { key, kind: kindOf(each), count: 0, places: [] };
      if (key !== text) group.places.push(PLACE.exec(text)[1]);
      group.count += 1;
      found.set(key, group);
    }
    groups.replaceChildren(...[...found.values()].map(({ key, kind, count, places }) =>
      h("li", {}, h("i", { class: kind }), h("strong", {}, `${count} ×`), h("span", {}, mrkdwn(key.replace(ANY_PLACE, `${fromTo(places)} on the waitlist`), people)))));
  }

  function showLine() {
    const waiting = told.map((each) => ({ ...each, place: parseInt(PLACE.exec(each.text)?.[1] ?? 0, 10) })).filter((each) => each.place);
    waiting.sort((one, other) => one.place - other.place);
    lineTitle.hidden = scroll.hidden = !waiting.length;
    line.replaceChildren(...waiting.map((each) => h("li", {},
      h("span", { class: "place" }, String(each.place)),
      h("a", { href: `/?member=${each.member_id}&in=app-messages`, target: "_blank", rel: "noopener" }, each.name),
      h("small", {}, seconds(took(each))))));
  }

  return { node, show, seen: () => ({ rush: number, after: told.length }) };
}

function fromTo(places) {
  const sorted = places.sort((one, other) => parseInt(one, 10) - parseInt(other, 10));
  return sorted.length > 1 ? `${sorted[0]} to ${sorted.at(-1)}` : sorted.join("");
}

const took = ({ pressed, answered }) => answered - pressed;

function median(told) {
  const sorted = told.map(took).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
