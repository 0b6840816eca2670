// One box drawn over a picture, with the pointer and the view of the labelling page: drag to draw,
// take its corners, pinch or wheel to zoom. While nothing is drawn the same hand moves the picture.
import { clamp } from "../common/clock.js";
import { sharpen } from "../common/overlay.js";
import { createStore } from "../common/store.js";
import { fromCorners, moved } from "../labelling/geometry.js";
import { wirePointer } from "../labelling/pointer.js";
import { paintBox, paintCross, paintHandles } from "../labelling/stage.js";
import { View } from "../labelling/view.js";

const ONLY = "drawn"; // there is one box
const FIRST = [0.4, 0.45, 0.6, 0.55]; // where the keyboard begins
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const COLOUR = "#3559e0";

/**
 * @param {{stage: HTMLElement, canvas: HTMLCanvasElement, onMove: () => void,
 *   onBox: (box: number[]|null) => void}} options  `onMove`: the picture lies elsewhere now
 */
export function createDrawing({ stage, canvas, onMove, onBox }) {
  const ui = createStore({ tool: "pan", draft: null, hover: null, boxes: true, label: 0, proposal: null });
  const view = new View(stage);
  let box = null;
  let colour = COLOUR;
  let cursor = null;

  function set(next) {
    box = next;
    paint();
    onBox(box);
  }

  // What the pointer of the labelling page asks of a desk, for a desk with one box on it.
  const desk = {
    ui,
    proposals: [],
    session: {
      isConcept: false,
      isReadOnly: true,
      isClip: false,
      get selected() {
        return box && ONLY;
      },
      select() {},
      add: (_, shape) => set(shape.box),
    },
    boxOf: () => box,
    shown: () => (box ? [{ id: ONLY, box }] : []),
    setBox: (_, next) => set(next),
    newShape: (label, drawn) => ({ box: drawn }),
    label: () => ({ name: "" }),
    toast() {},
  };

  function paint() {
    const { ink, width, height } = sharpen(canvas);
    if (desk.session.isReadOnly) return;
    const shown = ui.get().draft?.box ?? box;
    if (shown) {
      paintBox(ink, view.place(shown), colour, { strong: true });
      paintHandles(ink, view, shown, colour);
    } else if (cursor) paintCross(ink, cursor, width, height);
  }

  const paintStage = { setCursor: (point) => ((cursor = point), paint()) };
  const pointer = wirePointer({ desk, view, stage: paintStage, held: { space: false, hasPanned: false } });
  ui.on(["draft"], paint);
  view.addEventListener("move", () => {
    onMove();
    paint();
  });

  /** A pixel of the picture, ten with Ctrl; with Shift the lower right corner alone. */
  function nudge([dx, dy], { isResize, isFar }) {
    const [right, down] = [dx, dy].map((step, i) => (step * (isFar ? 10 : 1)) / view.size[i]);
    const [x1, y1, x2, y2] = box;
    set(isResize ? fromCorners([x1, y1], [clamp(x2 + right, x1, 1), clamp(y2 + down, y1, 1)]) : moved(box, right, down));
    view.reveal(box);
  }

  return {
    view,
    paint,
    get isOn() {
      return !desk.session.isReadOnly;
    },
    get box() {
      return box;
    },
    start() {
      desk.session.isReadOnly = false;
      ui.set({ tool: "draw" });
      set(null);
    },
    stop() {
      pointer.cancel();
      desk.session.isReadOnly = true;
      stage.style.cursor = "";
      cursor = null;
      ui.set({ tool: "pan", draft: null });
      set(null);
    },
    colour(next) {
      colour = next || COLOUR;
      paint();
    },
    /** @returns {boolean} whether the key was meant for the box */
    key(event) {
      if (desk.session.isReadOnly || event.altKey) return false;
      if (event.key === "Enter" && !box) set(FIRST);
      else if (STEPS[event.key] && box) {
        nudge(STEPS[event.key], { isResize: event.shiftKey, isFar: event.ctrlKey || event.metaKey });
      } else return Boolean(STEPS[event.key]);
      return true;
    },
  };
}
