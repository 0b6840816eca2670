// Two people changed one shape: mine beside theirs, and the choice.
import { sharpen } from "../common/overlay.js";
import { paintBox } from "./stage.js";
import { isTrack, keyFrames, shownAt } from "./tracks.js";

const ROOM = 0.6; // of the boxes' size, shown around them

/** @param {{desk: import("./desk.js").Desk}} options */
export function createConflicts({ desk }) {
  const panel = document.getElementById("work-conflict");
  const title = panel.querySelector("[data-title]");
  const sides = Object.fromEntries([...panel.querySelectorAll("[data-side]")].map((side) => [side.dataset.side, side]));
  let shownId = null;

  function show() {
    const [first] = desk.session.conflicts;
    panel.hidden = !first;
    if (!first) {
      shownId = null;
      return;
    }
    const [id, { mine, theirs }] = first;
    const left = desk.session.conflicts.size;
    title.textContent = `${nameOf(id, mine ?? theirs)} was changed here and elsewhere${left > 1 ? `, and ${left - 1} more` : ""}`;
    tell(sides.mine, mine, "Yours");
    tell(sides.theirs, theirs, "Theirs");
    panel.querySelector("[data-choice=both]").hidden = !mine || !theirs || desk.session.isConcept;
    draw(mine, theirs);
    if (shownId !== id) desk.say(`${title.textContent}. Choose which to keep.`);
    shownId = id;
  }

  const nameOf = (id, shape) => (shape ? desk.name(id, shape) : "A box");

  function tell(side, shape, whose) {
    const words = !shape ? "deleted" : isTrack(shape) ? trackWords(shape) : boxWords(shape);
    side.querySelector("figcaption").textContent = `${whose}: ${words}`;
  }
  const trackWords = (shape) => `${desk.label(shape.label).name}, ${keyFrames(shape).length} keyframes`;
  function boxWords({ label, box, occluded }) {
    if (!box) return desk.label(label).name;
    const { width, height } = desk.session.data;
    const size = `${Math.round((box[2] - box[0]) * width)}\u00a0×\u00a0${Math.round((box[3] - box[1]) * height)}\u00a0px`;
    return `${desk.label(label).name}, ${size}${occluded ? ", occluded" : ""}`;
  }

  /** Both in the same part of the picture, so that they can be compared. */
  function draw(mine, theirs) {
    const boxes = [mine, theirs].map((shape) => shape && shownAt(shape, desk.frame)?.box);
    const known = boxes.filter(Boolean);
    ["mine", "theirs"].forEach((which, i) => {
      const canvas = sides[which].querySelector("canvas");
      const { ink, width, height } = sharpen(canvas);
      if (!desk.picture || !known.length) return;
      const part = around(known, width / height);
      const [iw, ih] = [desk.picture.width, desk.picture.height];
      ink.drawImage(desk.picture, part.x * iw, part.y * ih, part.w * iw, part.h * ih, 0, 0, width, height);
      if (!boxes[i]) return;
      const [x1, y1, x2, y2] = boxes[i];
      const place = {
        x: ((x1 - part.x) / part.w) * width, y: ((y1 - part.y) / part.h) * height,
        width: ((x2 - x1) / part.w) * width, height: ((y2 - y1) / part.h) * height,
      };
      paintBox(ink, place, desk.label((i ? theirs : mine).label).colour, { strong: true });
    });
  }

  function around(boxes, shape) {
    const { width, height } = desk.session.data;
    const ratio = (shape * height) / width; // of fractions
    const [x1, y1, x2, y2] = [0, 1, 2, 3].map((i) => boxes.map((box) => box[i]).reduce((a, b) => (i < 2 ? Math.min(a, b) : Math.max(a, b))));
    const w = Math.max((x2 - x1) * (1 + ROOM), (y2 - y1) * (1 + ROOM) * ratio, 0.02);
    const h = w / ratio;
    return { x: (x1 + x2 - w) / 2, y: (y1 + y2 - h) / 2, w, h };
  }

  panel.addEventListener("click", (event) => {
    const choice = event.target.closest("[data-choice]")?.dataset.choice;
    const [first] = desk.session.conflicts;
    if (!choice || !first) return;
    desk.session.settle(first[0], choice);
    desk.say({ mine: "Kept yours", theirs: "Kept theirs; undo brings yours back", both: "Kept both" }[choice]);
    if (panel.hidden) document.getElementById("stage").focus({ preventScroll: true });
  });
  desk.on(["open", "change", "picture"], show);
}
