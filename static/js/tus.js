// One file on its way to the server by the tus protocol: resumable after anything, pausable.
const CHUNK = 8 * 2 ** 20;
const TUS = { "Tus-Resumable": "1.0.0" };
const REMEMBERED = "sightline.upload:";

/** What the browser knows of a file without reading it: enough to take up the right upload. */
export function fingerprint(file, { workspace, purpose, project }) {
  const where = [workspace, purpose, project && `project-${project}`].filter(Boolean).join("/");
  return [where, file.name, file.size, file.lastModified].join(":");
}

export function remember(file, place, url) {
  localStorage.setItem(REMEMBERED + fingerprint(file, place), url);
}

export function forget(url) {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(REMEMBERED) && localStorage.getItem(key) === url) localStorage.removeItem(key);
  }
}

/** A failure that trying again does not mend, with a sentence from the server. */
export class Refused extends Error {
  constructor(message, canResume) {
    super(message);
    this.canResume = canResume;
  }
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
const wait = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const now = () => (clearTimeout(timer), resolve());
    signal.addEventListener("abort", now, { once: true });
    addEventListener("online", now, { once: true });
  });

export class Upload {
  /** `place`: {uploads, token, workspace, collection, project, purpose}. `on`: {progress(bytes), waiting(seconds)}. */
  constructor(file, place, on) {
    Object.assign(this, { file, place, on, offset: 0, url: null });
    this.key = REMEMBERED + fingerprint(file, place);
  }

  /** Send until all is there. Returns {asset, isDuplicate, upload}, or null when it was paused.

      What is for an import has no asset but is an upload still: remembered until it is asked for. */
  async run() {
    this.stop = new AbortController();
    let failures = 0;
    while (!this.stop.signal.aborted) {
      try {
        if (!(await this.#find())) await this.#begin();
        for (;;) {
          const done = await this.#sendNext();
          failures = 0;
          if (done) return done;
        }
      } catch (error) {
        if (this.stop.signal.aborted) return null;
        if (error instanceof Refused) throw error;
        const seconds = Math.min(30, 2 ** failures++);
        this.on.waiting(seconds);
        await wait(seconds * 1000, this.stop.signal);
      }
    }
    return null;
  }

  pause() {
    this.stop?.abort();
  }

  async cancel() {
    this.pause();
    const url = this.url || localStorage.getItem(this.key);
    localStorage.removeItem(this.key);
    if (url) await this.#ask("DELETE", url).catch(() => {});
  }

  /** Where an earlier try got to; false when there was none. */
  async #find() {
    const url = this.url || localStorage.getItem(this.key);
    if (!url) return false;
    const answer = await this.#ask("HEAD", url);
    if (answer.status === 404 || answer.status === 410) {
      this.url = null;
      localStorage.removeItem(this.key);
      return false;
    }
    if (answer.status === 401 || answer.status === 403) throw new Refused("You are signed out. Sign in and choose the file again: it goes on from where it stopped.", true);
    if (answer.status !== 200) throw new Error(`HEAD ${answer.status}`);
    this.url = url;
    this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    this.on.progress(this.offset);
    return true;
  }

  async #begin() {
    const words = [`name ${base64(this.file.name)}`];
    if (this.place.purpose) words.push(`purpose ${base64(this.place.purpose)}`);
    if (this.place.project) words.push(`project ${base64(this.place.project)}`);
    if (this.place.collection) words.push(`collection ${base64(this.place.collection)}`);
    const answer = await this.#ask("POST", this.place.uploads, {
      "Upload-Length": String(this.file.size),
      "Upload-Metadata": words.join(","),
    });
    if (answer.status !== 201) throw failure(answer);
    this.url = answer.getResponseHeader("Location");
    this.offset = 0;
    localStorage.setItem(this.key, this.url);
  }

  async #sendNext() {
    const from = this.offset;
    const part = this.file.slice(from, Math.min(from + CHUNK, this.file.size));
    const headers = { "Upload-Offset": String(from), "Content-Type": "application/offset+octet-stream" };
    const answer = await this.#ask("PATCH", this.url, headers, part, (sent) => this.on.progress(from + sent));
    if (answer.status !== 204) {
      if (answer.status === 415) localStorage.removeItem(this.key);
      throw failure(answer);
    }
    this.offset = Number(answer.getResponseHeader("Upload-Offset"));
    this.on.progress(this.offset);
    const asset = answer.getResponseHeader("Sightline-Asset");
    const upload = answer.getResponseHeader("Sightline-Upload");
    if (!asset && !upload) return null;
    if (asset) localStorage.removeItem(this.key);
    return { asset, isDuplicate: answer.getResponseHeader("Sightline-Duplicate") === "1", upload };
  }

  /** XMLHttpRequest, because fetch cannot tell how much of a body has gone. */
  #ask(method, url, headers = {}, body = null, onSent = null) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, url);
      for (const [name, value] of Object.entries({ ...TUS, "X-CSRFToken": this.place.token, ...headers })) {
        request.setRequestHeader(name, value);
      }
      if (onSent) request.upload.onprogress = (event) => onSent(event.loaded);
      request.onload = () => resolve(request);
      request.onerror = request.onabort = request.ontimeout = () => reject(new Error("no connection"));
      const abort = () => request.abort();
      this.stop?.signal.addEventListener("abort", abort);
      request.onloadend = () => this.stop?.signal.removeEventListener("abort", abort);
      if (method === "DELETE" || !this.stop?.signal.aborted) request.send(body);
      else reject(new Error("stopped"));
    });
  }
}

/** What an answer that is no success means: a sentence for a person, or another try. */
function failure(answer) {
  const { status } = answer;
  if (status === 409 || status === 423 || status === 429 || (status >= 500 && status !== 507)) return new Error(String(status));
  if (status === 401 || status === 403) {
    return new Refused("The server does not let you upload. Sign in again, and ask an administrator if that does not help.", true);
  }
  let sentence = "The server refused the file.";
  try {
    sentence = JSON.parse(answer.responseText).detail;
  } catch {
    // not problem+json: a proxy in between, most likely
    if (status === 413) sentence = "A proxy in front of the server refuses parts of 8 MB. Ask its administrator to allow them.";
  }
  return new Refused(sentence, status === 507);
}
