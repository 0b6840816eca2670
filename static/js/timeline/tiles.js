// The tab of frames: every analysed frame of the part being watched, the empty ones dimmed.
import { clock } from "../common/clock.js";
import { boxesAt, showsBrand } from "./frames-data.js";
import { drawTile, nearest } from "./sprites.js";

/** @param {{store: import("./page.js").Store, frames: object, sprites: object, labels: Map,
 *   openFrame: (time: number) => void}} options */
export function createTiles({ store, frames, sprites, labels, openFrame }) {
  const pane = document.getElementById("pane-frames");
  const list = document.getElementById("tiles");
  const note = document.getElementById("tiles-note");
  const only = document.getElementById("frames-only");
  let index = 0;
  let shown = null;

  async function show(next, time = null) {
    index = Math.min(Math.max(next, 0), Math.max(store.get().segments.length - 1, 0));
    const segment = store.get().segments[index];
    document.getElementById("frames-range").textContent = segment
      ? `${clock(segment.start, 0)} to ${clock(segment.end, 0)}`
      : "";
    document.getElementById("frames-before").disabled = index === 0;
    document.getElementById("frames-after").disabled = index >= store.get().segments.length - 1;
    shown = await frames.load(index);
    draw();
    if (time !== null) list.querySelector(`[data-time="${nearestTime(time)}"]`)?.scrollIntoView({ block: "nearest" });
    paint();
  }
  const nearestTime = (time) => shown?.times[nearest(shown.times, time)];

  function draw() {
    if (pane.hidden) return;
    const state = store.get();
    const wanted = shown
      ? shown.times.map((_, at) => at).filter((at) => !only.checked || showsBrand(shown, at, state))
      : [];
    list.replaceChildren(...wanted.map((at) => tile(shown, at, state)));
    note.hidden = wanted.length > 0;
    note.textContent = shown
      ? "No frame of this part shows a brand at this confidence."
      : "This part is not analysed yet.";
    paint();
  }

  function tile(segment, at, state) {
    const time = segment.times[at];
    const strong = boxesAt(segment, at, time, state).filter((box) => !box.weak);
    const brands = [...new Set(strong.map((box) => box.label))].map((id) => labels.get(id));
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.time = String(time);
    button.classList.toggle("empty-frame", !brands.length);
    button.title = brands.length ? brands.map((label) => label.name).join(", ") : "no brand";
    button.setAttribute("aria-label", `Frame at ${clock(time)}, ${button.title}`);
    const words = document.createElement("span");
    words.textContent = clock(time);
    button.append(document.createElement("canvas"), words, ...brands.map(dot));
    item.append(button);
    return item;
  }

  function dot({ colour }) {
    const made = document.createElement("i");
    made.style.setProperty("--c", colour);
    return made;
  }

  /** Pictures only for the tiles that can be seen. */
  function paint() {
    const room = list.getBoundingClientRect();
    for (const button of list.querySelectorAll("button")) {
      const box = button.getBoundingClientRect();
      if (box.bottom < room.top - 100 || box.top > room.bottom + 100) continue;
      const time = Number(button.dataset.time);
      const found =
        (shown?.sprite && hasNear(shown.sprite, time) && sprites.tileOf(shown.sprite, time)) ||
        sprites.ofStrip(time);
      const canvas = button.firstElementChild;
      if (!found || canvas.dataset.tile === String(found.time)) continue;
      [canvas.width, canvas.height] = [found.width, found.height];
      drawTile(canvas.getContext("2d"), found, 0, 0, found.width, found.height);
      canvas.dataset.tile = String(found.time);
    }
  }
  const hasNear = (sprite, time) => Math.abs(sprite.times[nearest(sprite.times, time)] - time) < 30;

  list.addEventListener("scroll", paint, { passive: true });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-time]");
    if (button) openFrame(Number(button.dataset.time));
  });
  only.addEventListener("change", draw);
  document.getElementById("frames-before").addEventListener("click", () => show(index - 1));
  document.getElementById("frames-after").addEventListener("click", () => show(index + 1));
  store.on(["figures", "segments"], () => !pane.hidden && show(index));
  return {
    paint,
    openAt: (time) => show(frames.segmentIndex(time), time),
  };
}
