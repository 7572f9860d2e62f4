// Dates as Slack's client writes them, in a given zone.

const parts = (seconds, zone, options) =>
  new Intl.DateTimeFormat("en-US", { timeZone: zone, ...options }).format(new Date(seconds * 1000));

const dayOf = (seconds, zone) =>
  new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" })
    .format(new Date(seconds * 1000));

/** "Today", "Tomorrow" or "Yesterday" in the zone, or null. */
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

/** What `<!date^seconds^format|…>` shows in the zone; null if Slack would show the fallback. */
export function slackDate(seconds, format, zone) {
  if (!Number.isFinite(seconds) || !format) return null;
  return format.replace(/\{(\w+)\}/g, (whole, token) => TOKENS[token]?.(seconds, zone) ?? whole);
}

/** The time of day of a message's `ts`. */
export const clockTime = (ts, zone) => TOKENS.time(Number(ts), zone);

/** The day of a message's `ts`, for the line between days. */
export const dayLine = (ts, zone) => nearby(Number(ts), zone) ?? parts(Number(ts), zone, { weekday: "long", month: "long", day: "numeric" });
