// The tracks of a clip over its frames: a lane each, with a diamond for every keyframe.
import { clamp } from "../common/clock.js";
import { sharpen } from "../common/overlay.js";
import { keyFrames, stretches } from "./tracks.js";

const LANE = 28;
const RULER = 20;
const NEAR_PX = 7;
const EDGE = 9; // room for half a diamond at both ends
const CLOSEST = 10; // frames across the whole lane

/** @param {{desk: import("./desk.js").Desk}} options */
export function createLanes({ desk }) {
  const panel = document.getElementById("tracks");
  const names = document.getElementById("track-names");
  const canvas = document.getElementById("track-canvas");
  const head = document.getElementById("track-head");
  const none = document.getElementById("tracks-none");
  let shown = [0, 1];
  let queued = 0;
  let order = []; // ids, from the top

  const draw = () => {
    queued ||= requestAnimationFrame(() => {
      queued = 0;
      paint();
    });
  };

  function list() {
    const { session } = desk;
    panel.hidden = !session.isClip;
    if (!session.isClip) return;
    order = [...session.shapes.keys()].sort((a, b) => session.numbers.get(a) - session.numbers.get(b));
    const focused = document.activeElement?.closest?.("#track-names button")?.dataset.id;
    names.replaceChildren(...order.map(nameOf));
    if (focused) names.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
    none.hidden = order.length > 0;
    canvas.parentElement.style.setProperty("--lanes", order.length);
    draw();
  }

  function nameOf(id) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.id = id;
    button.className = "cut";
    button.textContent = desk.name(id);
    button.setAttribute("aria-pressed", String(id === desk.session.selected));
    return button;
  }

  const x = (frame, width) => ((frame - shown[0]) / (shown[1] - shown[0])) * (width - 2 * EDGE) + EDGE;
  const frameAt = (px, width) => Math.round(shown[0] + ((px - EDGE) / (width - 2 * EDGE)) * (shown[1] - shown[0]));

  function paint() {
    const { session } = desk;
    if (!session.isClip) return;
    const { ink, width, height } = sharpen(canvas);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    paintRuler(ink, width, colour);
    order.forEach((id, i) => {
      const top = RULER + i * LANE;
      ink.fillStyle = id === session.selected ? colour("--hover") : colour("--line2");
      if (id === session.selected) ink.fillRect(0, top, width, LANE);
      else ink.fillRect(0, top, width, 1);
      paintTrack(ink, width, top + LANE / 2, session.shapes.get(id));
    });
    placeHead(width, height);
  }

  function paintRuler(ink, width, colour) {
    const span = shown[1] - shown[0];
    const step = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((one) => (one / span) * width >= 64) ?? 10000;
    ink.fillStyle = colour("--ink3");
    ink.font = "11px ui-sans-serif, system-ui, sans-serif";
    ink.textBaseline = "middle";
    // People count frames from 1.
    for (let tick = Math.ceil((shown[0] + 1) / step) * step; tick <= shown[1] + 1; tick += step) {
      const at = Math.round(x(tick - 1, width)) + 0.5;
      ink.fillRect(at - 0.5, RULER - 5, 1, 5);
      if (at < width - 30) ink.fillText(String(tick), at + 3, RULER / 2 - 1);
    }
    paintFetched(ink, width, colour);
  }

  /** Which frames are here already: a thin line under the ruler. */
  function paintFetched(ink, width, colour) {
    ink.fillStyle = colour("--accent");
    ink.globalAlpha = 0.5;
    const wide = Math.max((width - 2 * EDGE) / (shown[1] - shown[0] || 1), 1);
    for (let frame = Math.max(desk.frame - 60, 0); frame < Math.min(desk.frame + 60, desk.session.length); frame += 1) {
      if (desk.frames.hasFile(desk.frameUrl(frame))) ink.fillRect(x(frame, width) - wide / 2, RULER - 2, wide, 2);
    }
    ink.globalAlpha = 1;
  }

  function paintTrack(ink, width, middle, shape) {
    if (!shape?.keys) return;
    const { colour } = desk.label(shape.label);
    ink.fillStyle = colour;
    ink.globalAlpha = 0.5;
    for (const [from, to] of stretches(shape, desk.session.length)) {
      const [left, right] = [x(from, width), x(to === desk.session.length ? to - 1 : to, width)];
      if (right < 0 || left > width) continue;
      ink.beginPath();
      ink.roundRect(left, middle - 2, Math.max(right - left, 3), 4, 2);
      ink.fill();
    }
    ink.globalAlpha = 1;
    for (const frame of keyFrames(shape)) {
      const at = x(frame, width);
      if (at < -6 || at > width + 6) continue;
      ink.beginPath();
      ink.moveTo(at, middle - 6);
      ink.lineTo(at + 5, middle);
      ink.lineTo(at, middle + 6);
      ink.lineTo(at - 5, middle);
      ink.closePath();
      if (shape.keys[frame].outside) {
        ink.strokeStyle = colour;
        ink.lineWidth = 1.5;
        ink.stroke();
      } else ink.fill();
    }
  }

  function placeHead(width = canvas.clientWidth) {
    const at = x(desk.frame, width);
    head.style.transform = `translateX(${at}px)`;
    head.hidden = at < 0 || at > width;
  }

  function show(from, to) {
    const last = Math.max(desk.session.length - 1, 1);
    const span = clamp(to - from, Math.min(CLOSEST, last), last);
    const start = clamp(from, 0, last - span);
    shown = [start, start + span];
    draw();
  }

  // --- the hand ------------------------------------------------------------------------------
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    const id = order[Math.floor((event.offsetY - RULER) / LANE)];
    const near = id ? nearKey(id, event.offsetX) : null;
    if (id && event.offsetY > RULER) desk.session.select(id);
    canvas.setPointerCapture(event.pointerId);
    desk.go(near ?? frameAt(event.offsetX, canvas.clientWidth));
  });
  canvas.addEventListener("pointermove", (event) => {
    if (canvas.hasPointerCapture(event.pointerId)) desk.go(frameAt(event.offsetX, canvas.clientWidth));
  });
  function nearKey(id, px) {
    const width = canvas.clientWidth;
    const away = (frame) => Math.abs(x(frame, width) - px);
    const nearest = keyFrames(desk.session.shapes.get(id)).reduce((a, b) => (away(b) < away(a) ? b : a));
    return away(nearest) <= NEAR_PX ? nearest : null;
  }
  canvas.addEventListener(
    "wheel",
    (event) => {
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      const span = shown[1] - shown[0];
      if (event.ctrlKey || event.metaKey) {
        const anchor = shown[0] + (event.offsetX / canvas.clientWidth) * span;
        const factor = Math.exp(event.deltaY * 0.004);
        show(anchor - (anchor - shown[0]) * factor, anchor + (shown[1] - anchor) * factor);
      } else if (sideways) {
        const by = (sideways / canvas.clientWidth) * span;
        show(shown[0] + by, shown[1] + by);
      } else return; // the page scrolls
      event.preventDefault();
    },
    { passive: false },
  );
  names.addEventListener("click", (event) => {
    const { id } = event.target.closest("button")?.dataset ?? {};
    if (id) desk.session.select(id);
  });

  desk.on(["open"], () => show(0, Math.max(desk.session.length - 1, 1)));
  desk.on(["open", "change", "select"], list);
  desk.on(["frame"], () => {
    if (!desk.session.isClip) return;
    const [from, to] = shown;
    if (desk.frame < from || desk.frame > to) show(desk.frame - (to - from) / 10, desk.frame + ((to - from) * 9) / 10);
    else placeHead();
  });
  let fetched = 0;
  desk.frames.addEventListener("loaded", () => {
    fetched ||= setTimeout(() => {
      fetched = 0;
      draw();
    }, 250);
  });
  new ResizeObserver(draw).observe(canvas);
  addEventListener("themechange", draw);
}
