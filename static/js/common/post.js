// Sending something to the API: an answer, a refusal, or no connection.

/** The server could not be reached, or had no time: the same may be sent again. */
export class Unreachable extends Error {}

/** Somebody else is signed in here now, or nobody is. */
export class SignedOut extends Error {}

/** It was understood and not done; the message is a sentence. */
export class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

const token = () => decodeURIComponent(document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "");

/** Send JSON, get JSON. Throws Unreachable, SignedOut or Refusal. */
export async function post(url, values = {}) {
  const headers = { "x-csrftoken": token(), "content-type": "application/json", accept: "application/json" };
  const request = { method: "POST", body: JSON.stringify(values), headers, keepalive: true }; // also while the page is left
  const response = await fetch(url, request).catch(() => null);
  if (!response || response.status >= 500 || response.status === 429) throw new Unreachable("");
  if (response.status === 401) throw new SignedOut("");
  const answer = await response.json().catch(() => null);
  if (response.ok && answer) return answer;
  throw new Refusal(response.status, answer?.detail ?? "That did not work. Reload the page.");
}
