// The frames that are lent to this person: some ahead, each with its picture already here.
import { Unreachable, post } from "./server.js";

const AHEAD = 11;
const FEW = 8;
const AGAIN_MS = 500;

/** @typedef {{id: number, label: number, time_s: number, image: Promise<HTMLImageElement>}} Frame */

export function createFrames({ urls, isPending }) {
  /** @type {Frame[]} */
  const queue = [];
  const known = new Set(); // those that were here already, shown or not
  let asking = null;
  let before = Promise.resolve(); // they are cut out in this order, so one is waited for at a time
  let standing = { left: 0, elsewhere: 0 };

  /** Ask for more; what was asked of this person already is not asked twice. */
  function more() {
    asking ??= ask().finally(() => (asking = null));
    return asking;
  }
  async function ask() {
    const found = await post(`${urls.next}?n=${AHEAD}`);
    standing = found;
    for (const item of found.items) {
      if (known.has(item.id) || isPending(item.id)) continue;
      known.add(item.id);
      const image = before.then(() => pictureOf(item));
      before = image.then(() => {}, () => {});
      queue.push({ ...item, image });
    }
  }

  /** Its picture, loaded and decoded. Fails with a sentence where it cannot be cut out. */
  async function pictureOf(item) {
    const image = new Image();
    image.alt = "";
    image.draggable = false;
    image.src = item.picture ?? (await linkTo(item));
    await image.decode();
    return image;
  }
  async function linkTo(item) {
    for (;;) {
      const response = await fetch(`${urls.picture}?t=${item.time_s}`).catch(() => null);
      if (response?.status === 200) return (await response.json()).url;
      if (response?.status === 422) throw new Error((await response.json().catch(() => ({}))).detail);
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }

  return {
    get standing() {
      return standing;
    },
    /** The next frame, or null where there is none for this person now. Throws what `post` does. */
    async next() {
      if (!queue.length) await more();
      else if (queue.length <= FEW) more().catch((error) => error instanceof Unreachable || console.warn(error));
      return queue.shift() ?? null;
    },
    /** These come next, the first of them first. */
    putBack(...frames) {
      queue.unshift(...frames);
    },
    /** Somebody else has it: should it come back, it is asked about. */
    forget(id) {
      known.delete(id);
    },
  };
}
