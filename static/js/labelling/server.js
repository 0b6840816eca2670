// Asking the server, and telling apart why an answer did not come.

/** No answer, or one that says "later": trying again can help. */
export class Unreachable extends Error {}
/** The session is over: the person must sign in again. */
export class SignedOut extends Error {}
/** The server understood and will not: `message` is its sentence. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || "The server will not do that.");
    Object.assign(this, { status, problem });
  }
}

const token = () => document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";

/**
 * @param {string} url @param {{method?: string, body?: object, keepalive?: boolean}} options
 * @returns {Promise<any>} the JSON of the answer; null where it has none
 */
export async function ask(url, { method = "GET", body, keepalive = false } = {}) {
  const headers = { accept: "application/json" };
  if (method !== "GET") headers["x-csrftoken"] = decodeURIComponent(token());
  if (body !== undefined) headers["content-type"] = "application/json";
  const answer = await fetch(url, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    redirect: "manual", // a redirect leads to the sign-in page
    credentials: "same-origin",
    keepalive,
  }).catch((error) => {
    throw new Unreachable(error.message);
  });
  if (answer.type === "opaqueredirect" || answer.status === 401) throw new SignedOut();
  if (answer.status >= 500 || answer.status === 429 || answer.status === 408) throw new Unreachable(`HTTP ${answer.status}`);
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refusal(answer.status, said ?? {});
  return said;
}
