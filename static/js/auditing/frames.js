// The frames that are lent to this person: some ahead, each with its picture already here.
import { Unreachable, post } from "./server.js";

const AHEAD = 11;
const FEW = 8;
const AGAIN_MS = 500;

/** @typedef {{id: number, label: number, time_s: number, image: Promise<HTMLImageElement>}} Frame */

export function createFrames({ urls, isPending }) {
  /** @type {Frame[]} */
  const queue = [];
  const answered = new Set();
  let asking = null;
  let standing = { left: 0, elsewhere: 0 };

  /** Ask for more; those that are here or answered already are not taken twice. */
  function more() {
    asking ??= ask().finally(() => (asking = null));
    return asking;
  }
  async function ask() {
    const found = await post(`${urls.next}?n=${AHEAD}`);
    standing = found;
    for (const item of found.items) {
      const isKnown = answered.has(item.id) || isPending(item.id) || queue.some(({ id }) => id === item.id);
      if (!isKnown) queue.push({ ...item, image: pictureOf(item) });
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
    /** It is answered, so it is not shown again. */
    done(frame) {
      answered.add(frame.id);
    },
    /** These come next, the first of them first. */
    putBack(...frames) {
      for (const { id } of frames) answered.delete(id);
      queue.unshift(...frames);
    },
  };
}
