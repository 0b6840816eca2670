// Pictures of items: asked for by the address that says where they lie, once a worker cut them out.
import { Frames, NoPicture, fetchPicture, pause } from "../labelling/frames.js";

const TRIES = 160; // five minutes: a worker that is busy is no reason to give up
const AGAIN_MS = 300;
const MOST_MS = 2000;

/** @returns {{frames: Frames, lies: (url: string, link: string|null) => void}} `lies`: where one lies is known already */
export function createPictures() {
  const links = new Map();
  const frames = new Frames(async (url) => {
    const link = links.get(url) ?? (await linkTo(url));
    links.delete(url); // it holds for a while only
    return fetchPicture(link);
  });
  return { frames, lies: (url, link) => link && links.set(url, link) };
}

async function linkTo(url) {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const answer = await fetch(url, { headers: { accept: "application/json" } }).catch(() => null);
    const said = await answer?.json().catch(() => null);
    if (answer?.status === 200 && said) return said.url;
    if (answer?.status === 422) throw new NoPicture(said?.detail || "This picture cannot be had.");
    if (answer && answer.status < 500 && ![202, 429].includes(answer.status)) break;
    await pause(Math.min(AGAIN_MS + 40 * tries, MOST_MS));
  }
  throw new NoPicture("This picture could not be fetched.");
}
