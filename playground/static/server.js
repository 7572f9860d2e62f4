// Requests to the playground's server, and its stream of changes.

async function read(path, query) {
  const response = await fetch(`${path}?${new URLSearchParams(query)}`);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return response.json();
}

/** Return everything but the messages, as this member sees it. */
export const readState = (member) => read("/page/state", member ? { member } : {});

/** Return a channel's messages, as this member sees them. */
export const readMessages = (member, channel) => read("/page/messages", { member, channel });

/** Return Backstage's state. `known` is `{rush, after}`: the page has the first `after` results of that rush. */
export const readBackstage = (member, known) => read("/backstage", { member, ...known });

/** Perform an action as a member. Return `{failure, errors, options}`; never throw. */
export const act = (name, body) => post(`/page/${name}`, body);

/** Set one of Backstage's switches. Return `{failure}`; never throw. */
export const setSwitch = (name, body) => post(`/backstage/${name}`, body);

async function post(path, body) {
  try {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(String(response.status));
    return await response.json();
  } catch {
    return { failure: "The playground isn’t responding. Is it still running?", errors: {}, options: [] };
  }
}

/** Call `changed({channels})` after each change, and `connected(bool)` when the stream opens or breaks. Return a stop function. */
export function watch(member, changed, connected) {
  const source = new EventSource(`/page/stream?${new URLSearchParams({ member })}`);
  source.addEventListener("hello", () => connected(true));
  source.addEventListener("message", (event) => changed(JSON.parse(event.data)));
  source.addEventListener("error", () => connected(false));
  return () => source.close();
}
