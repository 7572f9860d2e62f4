// The live results of a rush: the number of responses, their texts, and the waitlist.

import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

// The position in the bot's own sentences, such as "you are 2nd on the waitlist".
const POSITION = /\b(\d+(?:st|nd|rd|th))(?= on the waitlist\b)/;
const ANY_POSITION = "\uE000";

/** Classify a response: "seat", "waitlist", "failed" or "other". */
function kindOf({ text, failure }) {
  if (failure) return "failed";
  if (POSITION.test(text)) return "waitlist";
  return /\b(?:have|got) a seat\b/.test(text) ? "seat" : "other";
}

const seconds = (value) => `${value.toFixed(value < 10 ? 2 : 1)}\u00A0s`;
const count = (value) => value.toLocaleString("en-US");

/** Return `{node, show(rush), known()}`. `known` returns the rush on the page and its number of results. */
export function rush(directory) {
  const headline = h("p", { class: "headline" });
  const announcement = h("p", { class: "sr-only", role: "status" });
  const facts = h("dl", { class: "facts" });
  const crowd = h("div", { class: "crowd", role: "img" });
  const groups = h("ul", { class: "groups" });
  const waitlist = h("ol", { class: "waitlist" });
  const scroll = h("div", { class: "waitlist-scroll", tabIndex: 0, role: "region", "aria-label": "Waitlist" }, waitlist);
  const waitlistTitle = h("h4", {}, "Waitlist");
  const node = h("div", { class: "rush", hidden: true }, headline, announcement, facts, crowd, groups, waitlistTitle, scroll);
  let results = [];
  let number = 0; // the number of the rush on the page
  let rendered = "";

  /** Show the rush with its new results since `known()`, or hide everything if there is no rush. */
  function show(now) {
    node.hidden = !now;
    if (now?.number !== number) results = [];
    number = now?.number ?? 0;
    if (!now) return;
    results.push(...now.results);
    const state = JSON.stringify([number, now.answered, now.commits, now.is_over, now.card]);
    if (state !== rendered) render(now);
    rendered = state;
  }

  function render(now) {
    const waited = results.filter((each) => each.has_waited).length;
    const last = Math.max(0, ...results.map((each) => each.answered));
    const failed = results.filter((each) => each.failure).length;
    headline.replaceChildren(h("strong", {}, `${count(now.answered - failed)} of ${count(now.size)} answered`),
      now.answered ? ` in ${seconds(last)}` : "", failed ? `, ${count(failed)} not` : "");
    announcement.textContent = now.is_over ? `${headline.textContent}, with ${now.commits} ${now.commits === 1 ? "commit" : "commits"}` : "";
    facts.replaceChildren(...[
      ["Commits", now.commits && `${now.commits} (largest: ${now.largest_commit} ${now.largest_commit === 1 ? "command" : "commands"})`],
      ["Response time", results.length && `median ${seconds(median(results))}, maximum ${seconds(Math.max(...results.map(took)))}`],
      ["Asked to wait", waited && `${waited} ${waited === 1 ? "member" : "members"}, who got the answer later`],
      ["Functions", now.functions !== null && (now.functions ? `${now.functions} started for this rush` : "all already running")],
      ["Card", now.card?.changed && `“${now.card.text}” after ${seconds(now.card.changed)}`],
    ].filter(([, text]) => text).flatMap(([name, text]) => [h("dt", {}, name), h("dd", {}, text)]));
    showCrowd(now);
    showGroups();
    showWaitlist();
  }

  /** Show one square per member, colored in the order of the responses. */
  function showCrowd({ size, answered }) {
    if (crowd.children.length !== size) crowd.replaceChildren(...Array.from({ length: size }, () => h("i")));
    [...crowd.children].forEach((square, at) => { square.className = results[at] ? kindOf(results[at]) : ""; });
    crowd.setAttribute("aria-label", `${answered} of ${size} answered`);
  }

  /** Group equal responses. Merge those that differ only in the waitlist position. */
  function showGroups() {
    const found = new Map();
    for (const each of results) {
      const text = each.failure ?? each.text;
      const key = text.replace(POSITION, ANY_POSITION);
      const group = found.get(key) ?? { key, kind: kindOf(each), count: 0, positions: [] };
      if (key !== text) group.positions.push(POSITION.exec(text)[1]);
      group.count += 1;
      found.set(key, group);
    }
    groups.replaceChildren(...[...found.values()].map(({ key, kind, count, positions }) =>
      h("li", {}, h("i", { class: kind }), h("strong", {}, `${count} ×`), h("span", {}, mrkdwn(key.replace(ANY_POSITION, range(positions)), directory)))));
  }

  function showWaitlist() {
    const entries = results.map((each) => ({ ...each, position: parseInt(POSITION.exec(each.text)?.[1] ?? 0, 10) })).filter((each) => each.position);
    entries.sort((one, other) => one.position - other.position);
    waitlistTitle.hidden = scroll.hidden = !entries.length;
    waitlist.replaceChildren(...entries.map((each) => h("li", {},
      h("span", { class: "position" }, String(each.position)),
      h("a", { href: `/?member=${each.member_id}&in=app-messages`, target: "_blank", rel: "noopener" }, each.name),
      h("small", {}, seconds(took(each))))));
  }

  return { node, show, known: () => ({ rush: number, after: results.length }) };
}

function range(positions) {
  const sorted = positions.sort((one, other) => parseInt(one, 10) - parseInt(other, 10));
  return sorted.length > 1 ? `${sorted[0]} to ${sorted.at(-1)}` : sorted.join("");
}

const took = ({ pressed, answered }) => answered - pressed;

function median(results) {
  const sorted = results.map(took).sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}
