// Mouse, pen and fingers on the stage: draw, take up, move, resize, pan, zoom.
import { HANDLES, fromCorners, handlePoint, holds, moved, resized } from "./geometry.js";

const SLOP_PX = { mouse: 2, pen: 4, touch: 6 }; // a press that moves less is a click
const LEAST_PX = 3; // of a new box's sides
const CURSORS = { nw: "nwse", se: "nwse", ne: "nesw", sw: "nesw", n: "ns", s: "ns", e: "ew", w: "ew" };

/**
 * @param {{desk: import("./desk.js").Desk, view: import("./view.js").View, stage: object,
 *   held: {space: boolean, hasPanned: boolean}}} options  `held` is shared with the keys: the
 *   space bar pans while it is down
 */
export function wirePointer({ desk, view, stage, held }) {
  const element = view.stage;
  const fingers = new Map();
  let gesture = null;

  const at = (event) => {
    const rect = element.getBoundingClientRect();
    return [event.clientX - rect.left, event.clientY - rect.top];
  };
  const reach = (event) => (event.pointerType === "touch" ? 22 : 9);

  element.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button")) return;
    if (event.button === 0 && desk.ui.get().tool === "pin") {
      return desk.dispatchEvent(new CustomEvent("pinned", { detail: view.toPicture(at(event)) }));
    }
    if (event.button > 1 || desk.session.isConcept) return;
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, at(event));
    if (fingers.size === 2) return startPinch();
    if (fingers.size > 2) return;
    gesture = begin(event);
  });

  function begin(event) {
    const point = at(event);
    const { tool } = desk.ui.get();
    const base = { start: point, last: point, moved: false, slop: SLOP_PX[event.pointerType] ?? 4 };
    if (event.button === 1 || held.space || tool === "pan" || desk.session.isReadOnly) return { ...base, kind: "pan" };
    const handle = handleAt(point, reach(event));
    const id = desk.session.selected;
    if (handle) return { ...base, kind: "resize", id, handle, box: desk.boxOf(id) };
    const here = view.toPicture(point);
    const own = id && desk.boxOf(id);
    if (own && holds(own, here) && !event.altKey) return { ...base, kind: "move", id, box: own };
    if (tool === "draw") return { ...base, kind: "draw", isBack: event.shiftKey };
    const hit = shapeAt(here);
    if (!hit) return { ...base, kind: "pan", clears: true };
    if (hit.id) desk.session.select(hit.id);
    return hit.id ? { ...base, kind: "move", id: hit.id, box: hit.box } : { ...base, kind: "pan" };
  }

  function startPinch() {
    desk.ui.set({ draft: null });
    const [a, b] = [...fingers.values()];
    gesture = { kind: "pinch", spread: spread(a, b), middle: middle(a, b) };
  }

  element.addEventListener("pointermove", (event) => {
    const point = at(event);
    if (!fingers.has(event.pointerId)) return hover(point, event);
    fingers.set(event.pointerId, point);
    stage.setCursor(null);
    if (!gesture) return;
    if (gesture.kind === "pinch") return pinch();
    if (!gesture.moved && Math.hypot(point[0] - gesture.start[0], point[1] - gesture.start[1]) < gesture.slop) return;
    gesture.moved = true;
    drag(point);
  });

  function pinch() {
    if (fingers.size < 2) return;
    const [a, b] = [...fingers.values()];
    const now = { spread: spread(a, b), middle: middle(a, b) };
    view.panBy(now.middle[0] - gesture.middle[0], now.middle[1] - gesture.middle[1]);
    view.zoomBy(now.spread / gesture.spread, now.middle);
    Object.assign(gesture, now);
  }

  function drag(point) {
    const { kind, id, box, start, last } = gesture;
    gesture.last = point;
    if (kind === "pan") {
      held.hasPanned = true;
      view.panBy(point[0] - last[0], point[1] - last[1]);
      return;
    }
    if (kind === "draw") {
      desk.ui.set({ draft: { isNew: true, box: fromCorners(view.toPicture(start), view.toPicture(point)) } });
      return;
    }
    const [fx, fy] = view.toPicture(point);
    if (kind === "resize") {
      // The edge moves as far as the pointer did: it does not jump to it.
      const [sx, sy] = view.toPicture(start);
      const [hx, hy] = handlePoint(box, gesture.handle);
      desk.ui.set({ draft: { id, box: resized(box, gesture.handle, [hx + fx - sx, hy + fy - sy]) } });
      return;
    }
    const [sx, sy] = view.toPicture(start);
    desk.ui.set({ draft: { id, box: moved(box, fx - sx, fy - sy) } });
  }

  const end = (event) => {
    if (!fingers.delete(event.pointerId) || !gesture) return;
    const done = gesture;
    if (done.kind === "pinch") {
      if (!fingers.size) gesture = null;
      return;
    }
    gesture = null;
    const { draft } = desk.ui.get();
    desk.ui.set({ draft: null });
    if (event.type === "pointercancel") return;
    if (!done.moved) return click(done, view.toPicture(done.start));
    if (!draft) return;
    if (done.kind === "draw") return finishDrawing(draft.box, done.isBack);
    if (draft.box[2] - draft.box[0] < 1e-4 || draft.box[3] - draft.box[1] < 1e-4) return;
    desk.setBox(done.id, draft.box, done.kind === "move" ? "moved" : "resized");
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);

  function finishDrawing(box, isBack) {
    const { width, height } = view.place(box);
    if (width < LEAST_PX || height < LEAST_PX) return;
    const { label } = desk.ui.get();
    if (label === null) return desk.toast("There is no label yet. Add one to the project first.");
    if (isBack && desk.session.isClip && desk.selected) {
      desk.setBox(desk.session.selected, box, "brought back");
      return;
    }
    desk.session.add(`drew ${desk.label(label).name}`, desk.newShape(label, box));
  }

  /** A press without a drag takes up what lies there: the smallest first, then the one around it. */
  function click(done, here) {
    const hits = shapesAt(here);
    const place = hits.findIndex((item) => item.id && item.id === desk.session.selected);
    const hit = hits[(place + 1) % hits.length];
    desk.ui.set({ proposal: hit?.proposal ?? null });
    desk.session.select(hit?.id ?? null);
  }

  function shapesAt(here) {
    if (!desk.ui.get().boxes) return [];
    const size = ([x1, y1, x2, y2]) => (x2 - x1) * (y2 - y1);
    const shapes = desk.shown().map(({ id, box }) => ({ id, box }));
    const proposed = desk.proposals.map(({ id, box }) => ({ proposal: id, box }));
    return [...shapes, ...proposed].filter(({ box }) => holds(box, here)).sort((a, b) => size(a.box) - size(b.box));
  }
  const shapeAt = (here) => shapesAt(here)[0] ?? null;

  function handleAt(point, within) {
    const box = desk.session.selected && desk.ui.get().boxes && desk.boxOf(desk.session.selected);
    if (!box) return null;
    let nearest = null;
    for (const handle of HANDLES) {
      const [x, y] = view.toStage(handlePoint(box, handle));
      const away = Math.max(Math.abs(x - point[0]), Math.abs(y - point[1]));
      if (away <= within && (!nearest || away < nearest.away)) nearest = { handle, away };
    }
    return nearest?.handle ?? null;
  }

  function hover(point, event) {
    if (event.pointerType === "touch" || desk.session.isConcept) return;
    const here = view.toPicture(point);
    const isOn = here.every((value) => value >= 0 && value <= 1);
    stage.setCursor(isOn ? point : null);
    const handle = handleAt(point, reach(event));
    const hit = shapeAt(here);
    desk.ui.set({ hover: hit?.id ?? null });
    element.style.cursor = cursorFor(handle, hit, isOn, here);
  }

  function cursorFor(handle, hit, isOn, here) {
    const { tool } = desk.ui.get();
    if (held.space || tool === "pan") return "grab";
    if (desk.session.isReadOnly) return hit ? "pointer" : "grab";
    if (handle) return `${CURSORS[handle]}-resize`;
    const own = desk.session.selected && desk.boxOf(desk.session.selected);
    if (own && holds(own, here)) return "move";
    if (tool === "draw") return isOn ? "crosshair" : "default";
    return hit ? "pointer" : "default";
  }

  element.addEventListener("pointerleave", () => {
    stage.setCursor(null);
    desk.ui.set({ hover: null });
  });
  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      if (event.shiftKey) return view.panBy(-(event.deltaX || event.deltaY) * lines, 0);
      view.zoomBy(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0016)), at(event));
    },
    { passive: false },
  );
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  return {
    /** Let go of what is being drawn or moved. @returns {boolean} whether there was anything */
    cancel() {
      if (!gesture || gesture.kind === "pan") return false;
      gesture = null;
      desk.ui.set({ draft: null });
      return true;
    },
  };
}

const spread = (a, b) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 8);
const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
