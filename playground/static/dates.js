// Dates in the formats of Slack's client, in a given time zone.

const parts = (seconds, zone, options) =>
  new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options }).format(new Date(seconds * 1000));

const dayOf = (seconds, zone) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" })
    .format(new Date(seconds * 1000));

/** Return "Today", "Tomorrow" or "Yesterday" in the zone, or null. */
function nearby(seconds, zone) {
  const now = Date.now() / 1000;
  const day = dayOf(seconds, zone);
  if (day === dayOf(now, zone)) return "Today";
  if (day === dayOf(now + 86400, zone)) return "Tomorrow";
  return day === dayOf(now - 86400, zone) ? "Yesterday" : null;
}

const SHORT = { month: "short", day: "numeric", year: "numeric" };
const MIDDLE = { month: "long", day: "numeric", year: "numeric" };
const LONG = { weekday: "long", ...MIDDLE };

const TOKENS = {
  date_num: dayOf,
  date: (s, z) => parts(s, z, MIDDLE),
  date_short: (s, z) => parts(s, z, SHORT),
  date_long: (s, z) => parts(s, z, LONG),
  date_pretty: (s, z) => nearby(s, z) ?? parts(s, z, MIDDLE),
  date_short_pretty: (s, z) => nearby(s, z) ?? parts(s, z, SHORT),
  date_long_pretty: (s, z) => nearby(s, z) ?? parts(s, z, LONG),
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
