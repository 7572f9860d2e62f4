// Dates as Slack's page on formatting text describes them, in a given time zone.

/** How many seconds the demo's clock is ahead of the machine's. */
let ahead = 0;

/** Let days count from the demo's clock, so many seconds ahead. */
export function setAhead(seconds) {
  ahead = seconds;
}

/** Return the demo's time, in seconds. */
export const demoTime = () => Date.now() / 1000 + ahead;

const parts = (seconds, zone, options) =>
  new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options }).format(new Date(seconds * 1000));

const dayOf = (seconds, zone) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" })
    .format(new Date(seconds * 1000));

/** Return "Today", "Tomorrow" or "Yesterday" in the zone, or null. */
function nearby(seconds, zone) {
  const now = demoTime();
  const day = dayOf(seconds, zone);
  if (day === dayOf(now, zone)) return "Today";
  if (day === dayOf(now + 86400, zone)) return "Tomorrow";
  return day === dayOf(now - 86400, zone) ? "Yesterday" : null;
}

const HALF_A_YEAR = 183 * 86400;

/** Return the date. As Slack does, leave out the year of a date within six months. */
function written(seconds, zone, { weekday = false, short = false } = {}) {
  const part = (options) => parts(seconds, zone, options);
  const number = Number(part({ day: "numeric" }));
  const day = `${part({ month: short ? "short" : "long" })} ${short ? number : ordinal(number)}`;
  const year = Math.abs(seconds - demoTime()) < HALF_A_YEAR ? "" : `, ${part({ year: "numeric" })}`;
  return `${weekday ? `${part({ weekday: "long" })}, ` : ""}${day}${year}`;
}

const ORDINALS = new Intl.PluralRules("en-US", { type: "ordinal" });
const SUFFIXES = { one: "st", two: "nd", few: "rd", other: "th" };
const ordinal = (number) => `${number}${SUFFIXES[ORDINALS.select(number)]}`;

const short = (s, z) => written(s, z, { short: true });
const long = (s, z) => written(s, z, { weekday: true });

const TOKENS = {
  date_num: dayOf,
  date: (s, z) => written(s, z),
  date_short: short,
  date_long: long,
  date_pretty: (s, z) => nearby(s, z) ?? written(s, z),
  date_short_pretty: (s, z) => nearby(s, z) ?? short(s, z),
  date_long_pretty: (s, z) => nearby(s, z) ?? long(s, z),
  time: (s, z) => parts(s, z, { hour: "numeric", minute: "2-digit" }),
  time_secs: (s, z) => parts(s, z, { hour: "numeric", minute: "2-digit", second: "2-digit" }),
};

/** Return the text of `<!date^seconds^format|…>` in the zone, or null if Slack would show the fallback. */
export function slackDate(seconds, format, zone) {
  if (!Number.isFinite(seconds) || !format) return null;
  return format.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(seconds, zone) ?? whole);
}

/** Return the time of day of a message's `ts`. */
export const clockTime = (ts, zone) => TOKENS.time(Number(ts), zone);

/** Return the day of a message's `ts`, for the divider between days. */
export const dayLine = (ts, zone) => nearby(Number(ts), zone) ?? parts(Number(ts), zone, { weekday: "long", month: "long", day: "numeric" });
