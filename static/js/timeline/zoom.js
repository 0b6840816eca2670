// Moving in the timeline: zoom, pan, seek, choose a range. By mouse, touch and key.
import { clamp, clock } from "../common/clock.js";
import { showCard } from "./sprites.js";

const CLOSEST_S = 1;
const DRAG_PX = 4;
const NEAR_PX = 8;

/**
 * @param {{store: import("./page.js").Store, player: object, lanes: object, sprites: object,
 *   openFrame: (time: number) => void}} options
 */
export function createZoom({ store, player, lanes, sprites, openFrame }) {
  const { canvas } = lanes;
  const { duration } = player;
  const timeAt = (clientX) => {
    const rect = canvas.getBoundingClientRect();
    const [from, to] = store.get().shown;
    return clamp(from + ((clientX - rect.left) / rect.width) * (to - from), 0, duration);
  };

  function show(from, span) {
    const wide = clamp(span, Math.min(CLOSEST_S, duration), duration);
    const start = clamp(from, 0, duration - wide);
    store.set({ shown: [start, start + wide] });
  }
  function zoom(factor, around = store.get().time) {
    const [from, to] = store.get().shown;
    const anchor = clamp(around, from, to);
    show(anchor - (anchor - from) / factor, (to - from) / factor);
  }
  const pan = (seconds) => {
    const [from, to] = store.get().shown;
    show(from + seconds, to - from);
  };
  const fit = () => show(0, duration);
  /** Keep a place in view: when the playhead leaves it, turn the page. */
  function reveal(time) {
    const [from, to] = store.get().shown;
    if (time < from || time > to) show(time - (to - from) * 0.1, to - from);
  }
  function mark(side) {
    const { time, window } = store.get();
    const range = side === "in" ? [time, window?.[1] ?? duration] : [window?.[0] ?? 0, time];
    if (range[1] - range[0] > 0.05) store.set({ window: range });
  }

  wireWheel(canvas, { zoom, pan, timeAt, store });
  wirePointers(canvas, { store, player, lanes, show, timeAt, openFrame });
  wireHover(canvas, { timeAt, sprites, lanes });
  wireHead({ zoom, fit, mark, store });
  wireScroll({ store, show, duration });
  store.on(["time"], (state) => !player.media.paused && reveal(state.time));
  return { zoom, pan, fit, reveal, mark, clear: () => store.set({ window: null }) };
}

function wireWheel(canvas, { zoom, pan, timeAt, store }) {
  canvas.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (event.ctrlKey || event.metaKey) {
        zoom(Math.exp(-event.deltaY * 0.004), timeAt(event.clientX));
      } else if (Math.abs(sideways) > Math.abs(event.shiftKey ? 0 : event.deltaY)) {
        const [from, to] = store.get().shown;
        pan((sideways / canvas.clientWidth) * (to - from));
      } else {
        return; // the page scrolls
      }
      event.preventDefault();
    },
    { passive: false },
  );
}

/** Click: go there. Drag: a range; on the ruler, and with a finger, pan. Two fingers: zoom. */
function wirePointers(canvas, { store, player, lanes, show, timeAt, openFrame }) {
  const fingers = new Map();
  let start = null;

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event.clientX);
    const row = lanes.rowAt(event.offsetY);
    const pans = row === "ruler" || event.pointerType === "touch" || event.button === 1;
    start = { x: event.clientX, time: timeAt(event.clientX), shown: store.get().shown, row, pans, moved: false };
    if (fingers.size === 2) start.spread = spread(fingers);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!start || !fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    const [from, to] = start.shown;
    if (fingers.size === 2 && start.spread) {
      const factor = spread(fingers) / start.spread;
      start.moved = true;
      show(start.time - (start.time - from) / factor, (to - from) / factor);
      return;
    }
    if (!start.moved && Math.abs(event.clientX - start.x) < DRAG_PX) return;
    start.moved = true;
    if (start.pans) show(from - ((event.clientX - start.x) / canvas.clientWidth) * (to - from), to - from);
    else store.set({ draft: [start.time, timeAt(event.clientX)].sort((a, b) => a - b) });
  });
  const end = (event) => {
    fingers.delete(event.pointerId);
    if (!start || fingers.size) return;
    const { moved, pans, row, time } = start;
    const { draft } = store.get();
    start = null;
    if (event.type === "pointercancel") store.set({ draft: null });
    else if (draft) store.set({ window: draft, draft: null });
    else if (!moved && !pans && row === "shots") openFrame(time);
    else if (!moved && row === "comments") commentAt(time);
    else if (!moved) player.seek(time);
  };
  /** The comments say whether one of theirs is so near; else it is a place like any other. */
  function commentAt(time) {
    const [from, to] = store.get().shown;
    const near = (NEAR_PX / canvas.clientWidth) * (to - from);
    const isNone = canvas.dispatchEvent(new CustomEvent("comment-at", { detail: { time, near }, cancelable: true }));
    if (isNone) player.seek(time);
  }
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);
}

function spread(fingers) {
  const [a, b] = [...fingers.values()];
  return Math.max(Math.abs(a - b), 8);
}

function wireHover(canvas, { timeAt, sprites, lanes }) {
  const card = document.getElementById("tl-card");
  const panel = document.getElementById("timeline");
  canvas.addEventListener("pointermove", (event) => {
    if (event.pointerType === "touch") return;
    const time = timeAt(event.clientX);
    const rect = panel.getBoundingClientRect();
    const said = lanes.says(event.offsetY, time);
    const words = said ? `${clock(time)} · ${said}` : clock(time);
    showCard(card, sprites.ofStrip(time), words, event.clientX - rect.left, rect.width);
  });
  canvas.addEventListener("pointerleave", () => (card.hidden = true));
}

function wireHead({ zoom, fit, mark, store }) {
  const on = (id, act) => document.getElementById(id).addEventListener("click", act);
  on("tl-more", () => zoom(2));
  on("tl-less", () => zoom(0.5));
  on("tl-fit", fit);
  on("tl-in", () => mark("in"));
  on("tl-out", () => mark("out"));
  const chip = document.getElementById("tl-window");
  chip.querySelector("button").addEventListener("click", () => store.set({ window: null }));
  const words = ([from, to]) => `${clock(from)} to ${clock(to)}`;
  const showRange = ({ shown, window, draft }) => {
    const decimals = shown[1] - shown[0] < 20 ? 1 : 0;
    document.getElementById("tl-range").textContent = `${clock(shown[0], decimals)} to ${clock(shown[1], decimals)}`;
    const range = draft ?? window;
    chip.hidden = !range;
    if (range) chip.querySelector("span").textContent = words(range);
  };
  store.on(["shown", "window", "draft"], showRange);
  showRange(store.get());
}

/** A thin bar that says which part is in view, and moves it. */
function wireScroll({ store, show, duration }) {
  const bar = document.getElementById("tl-scroll");
  const thumb = bar.firstElementChild;
  const place = ({ shown: [from, to] }) => {
    bar.classList.toggle("whole", to - from > duration - 0.01);
    thumb.style.left = `${(from / duration) * 100}%`;
    thumb.style.width = `${((to - from) / duration) * 100}%`;
  };
  let grip = null;
  bar.addEventListener("pointerdown", (event) => {
    const rect = bar.getBoundingClientRect();
    const [from, to] = store.get().shown;
    const at = ((event.clientX - rect.left) / rect.width) * duration;
    grip = at >= from && at <= to ? at - from : (to - from) / 2;
    bar.setPointerCapture(event.pointerId);
    show(at - grip, to - from);
  });
  bar.addEventListener("pointermove", (event) => {
    if (grip === null) return;
    const rect = bar.getBoundingClientRect();
    const [from, to] = store.get().shown;
    show(((event.clientX - rect.left) / rect.width) * duration - grip, to - from);
  });
  for (const event of ["pointerup", "pointercancel"]) bar.addEventListener(event, () => (grip = null));
  store.on(["shown"], place);
  place(store.get());
}
