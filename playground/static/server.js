// Talking to the playground's server: what a member sees, does, and is told of as it happens.

async function read(path, query) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** Everything around the messages, as this member sees it. */
export const readState = (member) => read("/page/state", member ? { member } : {});

/** A channel's messages, as this member sees them. */
export const readMessages = (member, channel) => read("/page/messages", { member, channel });

/** What goes on backstage; `seen` is `{rush, after}`: of that rush the first so many answers are known. */
export const readBackstage = (member, seen) => read("/backstage", { member, ...seen });

/** Does something as a member; returns `{failure, errors, options}` and never throws. */
export const act = (name, asked) => post(`/page/${name}`, asked);

/** Turns one of backstage's switches; returns `{failure}` and never throws. */
export const turn = (name, asked) => post(`/backstage/${name}`, asked);

async function post(path, asked) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(asked),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    return await answer.json();
  } catch {
    return { failure: "The playground does not answer. Is it still running?", errors: {}, options: [] };
  }
}

/** Calls `changed({channels})` after each change, and `connected(bool)` as the stream comes and goes. */
export function watch(member, changed, connected) {
  const source = new EventSource(`/page/stream?${new URLSearchParams({ member })}`);
  source.addEventListener("hello", () => connected(true));
  source.addEventListener("message", (event) => changed(JSON.parse(event.data)));
  source.addEventListener("error", () => connected(false));
  return () => source.close();
}
