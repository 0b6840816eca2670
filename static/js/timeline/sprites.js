// Small pictures: the strip of the whole file, and the finer ones of each segment.
import { lastAtOrBefore } from "./frames-data.js";

/**
 * @typedef {{image: HTMLImageElement, x: number, y: number, width: number, height: number,
 *   time: number}} Tile
 */

/** @param {{strip: object|null, onLoad: () => void}} options */
export function createSprites({ strip, onLoad }) {
  /** @type {Map<string, HTMLImageElement>} */
  const images = new Map();

  function imageAt(url) {
    if (!images.has(url)) {
      const image = new Image();
      image.addEventListener("load", onLoad, { once: true });
      image.src = url;
      images.set(url, image);
    }
    const image = images.get(url);
    return image.complete && image.naturalWidth ? image : null;
  }

  /** The tile nearest to the time, or null while its picture is on the way. @returns {Tile|null} */
  function tileOf(sprite, time) {
    if (!sprite?.times?.length) return null;
    const image = imageAt(sprite.url);
    if (!image) return null;
    const place = nearest(sprite.times, time);
    const [width, height] = sprite.tile;
    return {
      image,
      width,
      height,
      x: (place % sprite.columns) * width,
      y: Math.floor(place / sprite.columns) * height,
      time: sprite.times[place],
    };
  }

  return {
    strip,
    tileOf,
    ofStrip: (time) => tileOf(strip, time),
    /** Seconds between the pictures of the strip. */
    pitch: strip?.times?.length > 1 ? (strip.times.at(-1) - strip.times[0]) / (strip.times.length - 1) : Infinity,
  };
}

export function nearest(times, time) {
  const before = Math.max(lastAtOrBefore(times, time), 0);
  const after = Math.min(before + 1, times.length - 1);
  return time - times[before] <= times[after] - time ? before : after;
}

/** Fill a rectangle with the middle of a tile, as `object-fit: cover` does. */
export function drawTile(ink, tile, x, y, width, height) {
  const scale = Math.max(width / tile.width, height / tile.height);
  const [w, h] = [width / scale, height / scale];
  const left = tile.x + (tile.width - w) / 2;
  const top = tile.y + (tile.height - h) / 2;
  ink.drawImage(tile.image, left, top, w, h, x, y, width, height);
}

/** Show a small picture and a time above a place. */
export function showCard(card, tile, words, left, room) {
  const canvas = card.querySelector("canvas");
  card.querySelector("span").textContent = words;
  canvas.hidden = !tile;
  if (tile) {
    canvas.width = tile.width;
    canvas.height = tile.height;
    drawTile(canvas.getContext("2d"), tile, 0, 0, tile.width, tile.height);
  }
  card.hidden = false;
  const half = card.offsetWidth / 2;
  card.style.left = `${Math.min(Math.max(left, half + 4), Math.max(room - half - 4, half + 4))}px`;
}
