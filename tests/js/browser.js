// As much of a browser as the modules under test ask for, around Node's own fetch and events.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
globalThis.CustomEvent ??= class CustomEvent extends Event {
  constructor(name, { detail } = {}) {
    super(name);
    this.detail = detail;
  }
};

let page = new EventTarget();
globalThis.addEventListener = (...listening) => page.addEventListener(...listening);
globalThis.document = { cookie: "csrftoken=abc" };
globalThis.location = { pathname: "/label/work/1" };
Object.defineProperty(globalThis, "navigator", { value: { onLine: true }, configurable: true });

/** Another tab: those before it hear nothing any more. */
export const newTab = () => (page = new EventTarget());
/** The network comes back, as a browser tells it. */
export const comeOnline = () => page.dispatchEvent(new Event("online"));

const kept = new Map();
const storage = new Proxy(
  {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, String(value)),
    removeItem: (key) => void kept.delete(key),
    clear: () => kept.clear(),
  },
  { ownKeys: () => [...kept.keys()], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) },
);
for (const name of ["localStorage", "sessionStorage"]) {
  Object.defineProperty(globalThis, name, { value: storage, configurable: true });
}

/** Addresses without a host are the server's, as on a page. */
export function visit(origin) {
  const { fetch } = globalThis;
  globalThis.fetch = (url, options) => fetch(new URL(url, origin), options);
}

export const until = async (isTrue) => {
  for (let turns = 0; !isTrue(); turns += 1) {
    if (turns > 5000) throw new Error("it never came about");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

/** XMLHttpRequest by fetch: what an upload needs of it. */
globalThis.XMLHttpRequest = class {
  upload = {};
  headers = {};
  #stop = new AbortController();

  open(method, url) {
    Object.assign(this, { method, url });
  }
  setRequestHeader(name, value) {
    this.headers[name] = value;
  }
  getResponseHeader(name) {
    return this.answer.headers.get(name);
  }
  abort() {
    this.#stop.abort();
  }
  async send(body) {
    try {
      this.answer = await fetch(this.url, { method: this.method, headers: this.headers, body, signal: this.#stop.signal });
      this.status = this.answer.status;
      this.responseText = await this.answer.text();
      this.onload?.();
    } catch {
      this.onerror?.();
    }
    this.onloadend?.();
  }
};
