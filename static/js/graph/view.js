// How a drawing is looked at: moved and zoomed, by pointer, wheel, fingers and keys.
import { clamp } from "../common/clock.js";

const CLOSEST = 8;
const DRAG_PX = 4;

/**
 * @param {SVGSVGElement} svg
 * @param {SVGGElement} group  what is moved
 * @param {(scale: number) => void} onScale
 */
export function createView(svg, group, onScale) {
  let [x, y, scale] = [0, 0, 1];
  const fingers = new Map();
  let start = null;
  let wasDragged = false;

  function show() {
    group.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
    onScale(scale);
  }
  function zoom(factor, [cx, cy] = [svg.clientWidth / 2, svg.clientHeight / 2]) {
    const next = clamp(scale * factor, 1, CLOSEST);
    x = cx - ((cx - x) * next) / scale;
    y = cy - ((cy - y) * next) / scale;
    scale = next;
    keepIn();
    show();
  }
  function pan(dx, dy) {
    x += dx;
    y += dy;
    keepIn();
    show();
  }
  /** Half of the drawing always stays in sight. */
  function keepIn() {
    const [wide, high] = [svg.clientWidth, svg.clientHeight];
    x = clamp(x, wide / 2 - wide * scale, wide / 2);
    y = clamp(y, high / 2 - high * scale, high / 2);
  }
  function fit() {
    [x, y, scale] = [0, 0, 1];
    show();
  }
  /** Bring a point of the drawing into sight. */
  function reveal([px, py]) {
    const [left, top] = [x + px * scale, y + py * scale];
    const margin = 40;
    const dx = clamp(left, margin, svg.clientWidth - margin) - left;
    const dy = clamp(top, margin, svg.clientHeight - margin) - top;
    if (dx || dy) pan(dx, dy);
  }

  const at = (event) => {
    const rect = svg.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.002), at(event));
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, at(event));
    start = { x, y, scale, points: [...fingers.values()] };
    wasDragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, at(event));
    const now = [...fingers.values()];
    const moved = [0, 1].map((i) => middle(now)[i] - middle(start.points)[i]);
    if (!wasDragged && Math.hypot(...moved) < DRAG_PX && now.length < 2) return;
    if (!wasDragged) svg.setPointerCapture(event.pointerId); // a click goes to what it is on
    wasDragged = true;
    svg.classList.add("is-dragged");
    [x, y, scale] = [start.x, start.y, start.scale];
    pan(...moved);
    if (now.length > 1 && start.points.length > 1) zoom(spread(now) / spread(start.points), middle(now));
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    svg.addEventListener(name, (event) => {
      fingers.delete(event.pointerId);
      start = { x, y, scale, points: [...fingers.values()] };
      if (!fingers.size) svg.classList.remove("is-dragged");
    });
  }
  svg.addEventListener("click", (event) => {
    if (wasDragged) event.stopImmediatePropagation();
  }, { capture: true });
  return { zoom, pan, fit, reveal };
}

const middle = (points) => [0, 1].map((i) => points.reduce((sum, point) => sum + point[i], 0) / points.length);
const spread = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
