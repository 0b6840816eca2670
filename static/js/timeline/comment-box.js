// A place in the picture, that a comment is about or that is looked for elsewhere: shown over it, and drawn by pointer or keys.
import { clamp } from "../common/clock.js";
import { drawBoxes, pictureRect } from "../common/overlay.js";

const COLOUR = "#3559e0";
const FIRST = [0.4, 0.4, 0.6, 0.6]; // where the keyboard begins
const LEAST = 0.005; // of the frame: a smaller one is a slip
const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const STEP = 0.01;

/**
 * @param {{player: object, onBox: (box: number[]|null) => void, onEnd: () => void,
 *   canvas?: HTMLCanvasElement, name?: string}} options  name: what the box is called
 */
export function createCommentBox({ player, onBox, onEnd, canvas = document.getElementById("comment-box"), name = "Comment" }) {
  let shown = null; // of a comment that was chosen
  let box = null; // that is being drawn
  let from = null;
  let isOn = false;

  function draw() {
    const place = isOn ? box : shown;
    const labels = new Map([["comment", { name, colour: COLOUR }]]);
    const boxes = place ? [{ xyxy: place, label: "comment", confidence: 1 }] : [];
    drawBoxes(canvas, boxes, { size: player.size(), labels, tags: false });
  }

  function point(event) {
    const room = canvas.getBoundingClientRect();
    const rect = pictureRect(player.size(), [room.width, room.height]);
    return [
      clamp((event.clientX - room.left - rect.x) / rect.width, 0, 1),
      clamp((event.clientY - room.top - rect.y) / rect.height, 0, 1),
    ];
  }

  function set(next) {
    box = next;
    draw();
    onBox(box);
  }

  canvas.addEventListener("pointerdown", (event) => {
    if (!isOn) return;
    canvas.setPointerCapture(event.pointerId);
    from = point(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = point(event);
    box = [0, 1].map((i) => Math.min(from[i], to[i])).concat([0, 1].map((i) => Math.max(from[i], to[i])));
    draw();
  });
  canvas.addEventListener("pointerup", () => {
    if (!from) return;
    from = null;
    const isSlip = !box || box[2] - box[0] < LEAST || box[3] - box[1] < LEAST;
    set(isSlip ? null : box);
    if (!isSlip) stop();
  });

  /** With Shift the lower right corner alone. */
  function nudge([right, down], isResize) {
    const [x1, y1, x2, y2] = box;
    if (isResize) {
      return [x1, y1, clamp(x2 + right * STEP, x1 + STEP, 1), clamp(y2 + down * STEP, y1 + STEP, 1)];
    }
    const [dx, dy] = [clamp(right * STEP, -x1, 1 - x2), clamp(down * STEP, -y1, 1 - y2)];
    return [x1 + dx, y1 + dy, x2 + dx, y2 + dy];
  }

  function key(event) {
    if (event.key === "Enter" && !box) set(FIRST);
    else if (event.key === "Enter" || event.key === "Escape") {
      if (event.key === "Escape") set(null);
      stop();
    } else if (STEPS[event.key] && box) set(nudge(STEPS[event.key], event.shiftKey));
    else if (!STEPS[event.key]) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  function start() {
    isOn = true;
    player.pause();
    canvas.classList.add("is-drawing");
    document.addEventListener("keydown", key, { capture: true });
    draw();
  }

  function stop() {
    if (!isOn) return;
    isOn = false;
    from = null;
    canvas.classList.remove("is-drawing");
    document.removeEventListener("keydown", key, { capture: true });
    shown = box;
    draw();
    onEnd();
  }

  new ResizeObserver(draw).observe(canvas);
  return {
    start,
    stop,
    get isOn() {
      return isOn;
    },
    get box() {
      return box;
    },
    clear() {
      box = null;
      shown = null;
      stop();
      draw();
    },
    show(place) {
      if (isOn) return;
      shown = place;
      draw();
    },
  };
}
