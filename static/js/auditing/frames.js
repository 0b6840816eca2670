// The frames that are lent to this person: some ahead, each with its picture already here.
import { createLent } from "../common/lent.js";
import { post } from "../common/post.js";

const AHEAD = 11;
const AGAIN_MS = 500;

/** @typedef {{id: number, label: number, what: string, time_s: number, end_s: number?, image: Promise<HTMLImageElement>?}} Frame
 *   Of "times" it is a stretch of film from time_s to end_s and has no picture. */

export function createFrames({ urls, isPending }) {
  let before = Promise.resolve(); // they are cut out in this order, so one is waited for at a time

  /** @returns {Frame} */
  function arrive(item) {
    if (item.what === "times") return { ...item, image: null };
    const image = before.then(() => pictureOf(item));
    before = image.then(() => {}, () => {});
    return { ...item, image };
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

  return createLent({ ask: () => post(`${urls.next}?n=${AHEAD}`), isPending, arrive });
}
