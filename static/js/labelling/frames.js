// Pictures of a work's frames: fetched ahead of the person, decoded just before they are shown.

const FETCH_AHEAD = 30;
const FETCH_BEHIND = 8;
const DECODE_AHEAD = 5;
const DECODE_BEHIND = 2;
const AT_ONCE = 4;
const KEEP_FILES = 240; // compressed: some 50 MB of 1080p
const KEEP_PICTURES = matchMedia("(pointer: coarse)").matches ? 10 : 20; // decoded: 8 MB each at 1080p
const TRIES = 40;

/** A picture that cannot be had; `message` is for the person. */
export class NoPicture extends Error {}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Frames extends EventTarget {
  /** @param {(url: string) => Promise<Blob|HTMLImageElement>} fetchFile  rejects with NoPicture */
  constructor(fetchFile = fetchPicture) {
    super();
    this.fetchFile = fetchFile;
    this.files = new Map(); // url → Promise<Blob>
    this.pictures = new Map(); // url → Promise<ImageBitmap>
    this.here = new Map(); // url → ImageBitmap, decoded
    this.loaded = new Set(); // urls whose file is here
    this.shown = null; // the picture on the stage, which must not be closed
    this.queue = [];
    this.running = 0;
  }

  /** The picture if it needs no waiting. */
  atHand(url) {
    return this.here.get(url) ?? null;
  }
  hasFile(url) {
    return this.loaded.has(url);
  }

  /** @returns {Promise<ImageBitmap>} Rejects with NoPicture. */
  picture(url) {
    if (this.pictures.has(url)) return fresh(this.pictures, url);
    const made = this.#file(url, true).then(async (blob) => {
      const picture = await createImageBitmap(blob).catch(() => {
        throw new NoPicture("This picture is damaged and cannot be shown.");
      });
      if (this.pictures.get(url) === made) this.here.set(url, picture);
      return picture;
    });
    this.pictures.set(url, made);
    made.catch(() => this.pictures.get(url) === made && this.pictures.delete(url)); // it may be asked for again already
    this.#trim();
    return made;
  }

  #trim() {
    while (this.pictures.size > KEEP_PICTURES) {
      const [oldest] = this.pictures.keys();
      this.pictures.delete(oldest);
      if (this.here.get(oldest) !== this.shown) this.here.get(oldest)?.close();
      this.here.delete(oldest);
    }
    while (this.files.size > KEEP_FILES) {
      const [oldest] = this.files.keys();
      this.files.delete(oldest);
      this.loaded.delete(oldest);
    }
  }

  #file(url, isNow = false) {
    if (this.files.has(url)) {
      const waiting = this.queue.findIndex((task) => task.url === url);
      if (isNow && waiting > 0) this.queue.unshift(...this.queue.splice(waiting, 1));
      return fresh(this.files, url);
    }
    const made = new Promise((resolve, reject) => {
      const task = { url, resolve, reject };
      if (isNow) this.queue.unshift(task);
      else this.queue.push(task);
    });
    this.files.set(url, made);
    made.catch(() => this.files.get(url) === made && this.files.delete(url));
    this.#pump();
    return made;
  }

  #pump() {
    while (this.running < AT_ONCE && this.queue.length) {
      const { url, resolve, reject } = this.queue.shift();
      this.running += 1;
      this.fetchFile(url)
        .then((blob) => {
          this.loaded.add(url);
          this.dispatchEvent(new Event("loaded"));
          resolve(blob);
        }, reject)
        .finally(() => {
          this.running -= 1;
          this.#pump();
        });
    }
  }

  /** Fetch and decode around `frame`, more of it in the `direction` of travel. */
  around(urlOf, frame, length, direction) {
    this.queue = this.queue.filter((task) => {
      const isWanted = task.url === urlOf(frame);
      if (!isWanted) {
        this.files.delete(task.url);
        task.reject(new NoPicture("passed by"));
      }
      return isWanted;
    });
    const wanted = [];
    for (let step = 1; step <= FETCH_AHEAD; step += 1) {
      wanted.push(frame + step * direction);
      if (step <= FETCH_BEHIND) wanted.push(frame - step * direction);
      if (step === DECODE_AHEAD) wanted.push(frame + 10 * direction, frame - 10 * direction);
    }
    const inside = [...new Set(wanted)].filter((n) => n >= 0 && n < length);
    for (const n of inside) {
      const away = (n - frame) * direction;
      if (away <= DECODE_AHEAD && away >= -DECODE_BEHIND) this.picture(urlOf(n)).catch(() => {});
      else this.#file(urlOf(n)).catch(() => {});
    }
  }

  /** The first pictures of works that come next. */
  ahead(urls) {
    urls.forEach((url, i) => (i < 2 ? this.picture(url) : this.#file(url)).catch(() => {}));
  }
}

/** Asked for again: last to be thrown out. */
function fresh(map, url) {
  const made = map.get(url);
  map.delete(url);
  map.set(url, made);
  return made;
}

/** @returns {Promise<Blob|HTMLImageElement>} */
export async function fetchPicture(url) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.status === 200) return answer.blob();
    if (answer?.status === 422) throw new NoPicture(await answer.text());
    // 202: a worker is cutting it out; no answer: the connection may come back, or the picture
    // lies with another host, which scripts may show but not read.
    if (answer && answer.status !== 202 && answer.status < 500) break;
    const image = answer || !navigator.onLine ? null : await shownElsewhere(url);
    if (image) return image;
    await answer?.text().catch(() => ""); // an answer left unread keeps its connection
    await pause(Math.min(150 + 50 * tries, 1500));
  }
  throw new NoPicture("This picture could not be fetched.");
}

async function shownElsewhere(url) {
  const image = new Image();
  image.src = url;
  return image.decode().then(() => image, () => null);
}
