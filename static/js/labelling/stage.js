// Drawing the picture and what lies on it. Two canvases: the picture below, with the brightness;
// boxes above, untouched by it.
import { overPicture } from "../common/colours.js";
import { sharpen } from "../common/overlay.js";
import { HANDLES, handlePoint } from "./geometry.js";

const FONT = "500 11px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const STRONG = "600 12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
const TAG = 18;
const HANDLE = 8;
const hasKeys = matchMedia("(hover: hover)").matches;
const ROUGH_ZOOM = 4; // screen pixels a picture pixel covers from which they are shown as squares

/**
 * @param {{desk: import("./desk.js").Desk, view: import("./view.js").View,
 *   look?: (item: object) => {words?: string, isLoud?: boolean, line?: {dashed?: boolean, thick?: boolean}},
 *   theirs?: () => {box: number[], words?: string}[]}} options  `look`: how a shape differs from a plain one;
 *   `theirs`: what others made of this frame; `pins`: where something was said about it
 */
export function createStage({ desk, view, look = () => ({}), theirs = () => inConflict(desk.session), pins = () => [] }) {
  const pictureOn = document.getElementById("work-picture");
  const boxesOn = document.getElementById("work-boxes");
  const note = document.getElementById("work-note");
  let queued = 0;
  let late = 0;
  let cursor = null;

  const draw = () => {
    queued ||= requestAnimationFrame(() => {
      queued = 0;
      paint();
    });
  };

  function paint() {
    paintPicture();
    const { ink, width, height } = sharpen(boxesOn);
    const { boxes, draft, tool } = desk.ui.get();
    if (!desk.session.isConcept) {
      if (boxes && desk.isHere) paintAll(ink, { width, height });
      if (draft?.isNew) paintNew(ink, draft);
      if (cursor && tool === "draw" && !draft) paintCross(ink, cursor, width, height);
    }
    if (desk.isHere) for (const pin of pins()) paintPin(ink, view.toStage(pin.point), pin);
  }

  function paintPicture() {
    const { ink } = sharpen(pictureOn);
    const { brightness } = desk.ui.get();
    pictureOn.style.filter = brightness === 1 ? "" : `brightness(${brightness})`;
    pictureOn.classList.toggle("late", late > 0 && !desk.isHere);
    if (!desk.picture) return;
    ink.imageSmoothingEnabled = view.width / view.size[0] < ROUGH_ZOOM;
    ink.imageSmoothingQuality = "high";
    ink.drawImage(desk.picture, view.x, view.y, view.width, view.height);
  }

  function paintAll(ink, room) {
    const { draft, hover, tags, proposal } = desk.ui.get();
    const { selected } = desk.session;
    const items = desk
      .shown()
      .map((item) => (draft?.id === item.id ? { ...item, box: draft.box } : item))
      .map((item) => ({ ...item, ...look(item), place: view.place(item.box), isSelected: item.id === selected }))
      .sort((a, b) => a.isSelected - b.isSelected || b.place.width * b.place.height - a.place.width * a.place.height);
    const proposed = desk.proposals.map((one) => ({ ...one, place: view.place(one.box), label: desk.label(one.label) }));
    for (const one of proposed) paintBox(ink, one.place, one.label.colour, { dashed: true, strong: one.id === proposal });
    for (const item of items) {
      paintBox(ink, item.place, item.label.colour, { strong: item.isSelected || item.id === hover, faint: item.occluded, ...item.line });
    }
    const others = theirs().map((one) => ({ ...one, place: view.place(one.box) }));
    for (const { place } of others) paintTheirs(ink, place);
    const taken = [];
    for (const { place, words } of others) if (words) paintTag(ink, place, words, { colour: "#ffffff", room, taken, quiet: true });
    for (const one of proposed) {
      const words = `${one.label.name} ${one.confidence.toFixed(2)}${hasKeys && one.id === (proposal ?? proposed[0].id) ? ", accept A" : ""}`;
      if (tags) paintTag(ink, one.place, words, { colour: one.label.colour, room, taken, quiet: true });
    }
    for (const item of items) {
      if (!tags && !item.isSelected && item.id !== hover) continue;
      const named = item.words ?? item.label.name;
      const words = desk.session.isClip && item.isSelected ? `${named} · track ${desk.session.numbers.get(item.id)}` : named;
      const more = item.occluded ? `${words}, occluded` : words;
      paintTag(ink, item.place, more, { colour: item.label.colour, room, taken, quiet: !item.isSelected && !item.isLoud });
    }
    const held = items.find((item) => item.isSelected);
    if (held && !desk.session.isReadOnly) paintHandles(ink, view, held.box, held.label.colour);
  }

  function paintNew(ink, draft) {
    const { colour } = desk.label(desk.ui.get().label);
    paintBox(ink, view.place(draft.box), colour, { strong: true });
  }

  function paintTheirs(ink, place) {
    ink.setLineDash([2, 4]);
    ink.lineWidth = 2;
    ink.strokeStyle = "#fff";
    ink.strokeRect(place.x, place.y, place.width, place.height);
    ink.setLineDash([]);
  }

  function showNote() {
    late = 0;
    note.textContent = desk.problem;
    document.getElementById("work-problem").hidden = !desk.problem;
    draw();
  }

  let timer = 0;
  desk.on(["frame"], () => {
    clearTimeout(timer);
    document.getElementById("work-problem").hidden = !desk.problem;
    timer = setTimeout(() => {
      late = desk.isHere || desk.problem ? 0 : 1;
      draw();
    }, 150);
    draw();
  });
  desk.on(["picture"], () => {
    if (desk.picture) view.setSize([desk.session.data.width || desk.picture.width, desk.session.data.height || desk.picture.height]);
    showNote();
  });
  desk.on(["change", "select", "open", "pins"], draw);
  desk.ui.on(["boxes", "tags", "brightness", "draft", "hover", "tool", "label", "proposal"], draw);
  view.addEventListener("move", draw);
  document.getElementById("work-again").addEventListener("click", () => desk.go(desk.frame, { isNew: true }));
  return {
    draw,
    setCursor(point) {
      cursor = point;
      if (desk.ui.get().tool === "draw") draw();
    },
  };
}

/** Boxes that somebody else gave to shapes of this session meanwhile. */
const inConflict = ({ conflicts }) => [...conflicts.values()].flatMap(({ theirs }) => (theirs?.box ? [{ box: theirs.box }] : []));

export function paintHandles(ink, view, box, colour) {
  const { line } = overPicture(colour);
  for (const handle of HANDLES) {
    const [x, y] = view.toStage(handlePoint(box, handle));
    ink.fillStyle = "#fff";
    ink.strokeStyle = line;
    ink.lineWidth = 1.5;
    ink.beginPath();
    ink.rect(x - HANDLE / 2, y - HANDLE / 2, HANDLE, HANDLE);
    ink.fill();
    ink.stroke();
  }
}

/** A numbered mark at a point of the stage. */
function paintPin(ink, [x, y], { words, isOn, isDone }) {
  ink.beginPath();
  ink.arc(x, y, isOn ? 12 : 10, 0, 2 * Math.PI);
  ink.fillStyle = isDone ? "#3f7d4e" : "#b3261e";
  ink.fill();
  ink.lineWidth = isOn ? 2.5 : 1.5;
  ink.strokeStyle = "#fff";
  ink.stroke();
  ink.font = STRONG;
  ink.fillStyle = "#fff";
  ink.textAlign = "center";
  ink.textBaseline = "middle";
  ink.fillText(words, x, y + 0.5);
  ink.textAlign = "start";
}

/** Two thin lines through the pointer: where the edges of a new box would lie. */
export function paintCross(ink, point, width, height) {
  const [x, y] = point.map((at) => Math.round(at) + 0.5);
  ink.strokeStyle = "#ffffff73";
  ink.lineWidth = 1;
  ink.beginPath();
  ink.moveTo(x, 0);
  ink.lineTo(x, height);
  ink.moveTo(0, y);
  ink.lineTo(width, y);
  ink.stroke();
}

export function paintBox(ink, place, colour, { dashed = false, strong = false, faint = false, thick = false } = {}) {
  const { line } = overPicture(colour);
  ink.beginPath();
  ink.rect(place.x, place.y, place.width, place.height);
  if (strong) {
    ink.fillStyle = line.replace(")", " / 0.12)");
    ink.fill();
  }
  if (!dashed) {
    ink.lineWidth = strong ? 4 : 3.5;
    ink.strokeStyle = "#00000052"; // an edge, so that the line is seen on its own colour too
    ink.stroke();
  }
  ink.setLineDash(dashed ? [6, 5] : faint ? [12, 3] : []);
  ink.lineWidth = strong || thick ? 2.5 : 2;
  ink.strokeStyle = line;
  ink.stroke();
  ink.setLineDash([]);
}

function paintTag(ink, place, words, { colour, room, taken, quiet }) {
  ink.font = quiet ? FONT : STRONG;
  const { line, ink: dark } = overPicture(colour);
  const width = Math.ceil(ink.measureText(words).width) + 10;
  if (place.x > room.width || place.x + place.width < 0) return;
  const within = (x) => Math.min(Math.max(x, 0), Math.max(room.width - width, 0));
  const [left, right] = [within(place.x - 1), within(place.x + place.width + 1 - width)];
  const [above, below, inside] = [place.y - TAG - 3, place.y + place.height + 3, place.y + 3];
  const spots = [[left, above], [left, below], [right, above], [right, below], [left, inside]];
  const seen = spots.filter(([, y]) => y >= 0 && y + TAG <= room.height);
  const isFree = ([x, y]) => !taken.some((tag) => x < tag.x + tag.width && tag.x < x + width && Math.abs(tag.y - y) < TAG);
  const spot = seen.find(isFree) ?? seen[0];
  if (!spot) return;
  const [x, y] = spot;
  taken.push({ x, y, width });
  ink.fillStyle = quiet ? "#000000b3" : line;
  ink.beginPath();
  ink.roundRect(x, y, width, TAG, 3);
  ink.fill();
  ink.fillStyle = quiet ? line : dark;
  ink.textBaseline = "middle";
  ink.fillText(words, x + 5, y + TAG / 2 + 0.5);
}
