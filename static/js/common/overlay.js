// Boxes over a picture: drawn on a canvas that lies over it, where the picture itself lies.
import { overPicture } from "./colours.js";

const TAG_HEIGHT = 18;
const FONT = "600 12px ui-sans-serif, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

/** Where a picture of `size` lies inside a stage of `room`, both [width, height]: letterboxed. */
export function pictureRect(size, room) {
  const scale = Math.min(room[0] / size[0], room[1] / size[1]) || 0;
  const [width, height] = [size[0] * scale, size[1] * scale];
  return { x: (room[0] - width) / 2, y: (room[1] - height) / 2, width, height };
}

/** Make the canvas as sharp as the screen; its context then draws in CSS pixels. */
export function sharpen(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  const wanted = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== wanted[0] || canvas.height !== wanted[1]) [canvas.width, canvas.height] = wanted;
  const ink = canvas.getContext("2d");
  ink.setTransform(ratio, 0, 0, ratio, 0, 0);
  ink.clearRect(0, 0, width, height);
  return { ink, width, height };
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import("../timeline/frames-data.js").Box[]} boxes
 * @param {{size: [number, number], labels: Map<number, {name: string, colour: string}>,
 *   rect?: {x: number, y: number, width: number, height: number}, tags?: boolean}} picture  `rect`: where it lies
 *   on the canvas, where that is not as a whole; `tags`: whether their names stand at them, but for
 *   boxes that are `silent`; a `chosen` one has a thicker line, and its name before all others
 */
export function drawBoxes(canvas, boxes, { size, labels, rect: place, tags = true }) {
  const { ink, width, height } = sharpen(canvas);
  const rect = place ?? pictureRect(size, [width, height]);
  const placed = boxes
    .map((box) => ({ ...box, ...onStage(box.xyxy, rect), ...labels.get(box.label) }))
    .filter((box) => box.name)
    .sort((a, b) => b.width * b.height - a.width * a.height); // small ones stay readable on top
  for (const box of placed) drawBox(ink, box);
  const taken = [];
  const named = placed.filter((box) => !box.silent).sort((a, b) => Number(Boolean(b.chosen)) - Number(Boolean(a.chosen)));
  if (tags) for (const box of named) drawTag(ink, box, rect, taken);
}

const NARROW = 480; // pixels of a picture in which the names of many boxes hide what they name
const MANY = 3;

/** Of many boxes on a small picture only the chosen one is named there: the others are in the list. */
export function thinned(boxes, chosen, width) {
  const isCrowded = width < NARROW && boxes.length > MANY;
  return boxes.map((box) => ({ ...box, chosen: box === chosen, silent: isCrowded && box !== chosen }));
}

function onStage([x1, y1, x2, y2], rect) {
  return {
    x: rect.x + x1 * rect.width,
    y: rect.y + y1 * rect.height,
    width: (x2 - x1) * rect.width,
    height: (y2 - y1) * rect.height,
  };
}

function drawBox(ink, box) {
  ink.beginPath();
  ink.roundRect(box.x, box.y, box.width, box.height, 2);
  ink.setLineDash([]);
  ink.lineWidth = box.chosen ? 7 : 4;
  ink.strokeStyle = "#0006"; // an edge, so that the line is seen on its own colour too
  if (!box.weak) ink.stroke();
  ink.setLineDash(box.weak ? [6, 5] : []);
  ink.lineWidth = box.chosen ? 4 : 2;
  ink.strokeStyle = overPicture(box.colour).line;
  ink.stroke();
  ink.setLineDash([]);
}

function drawTag(ink, box, rect, taken) {
  ink.font = FONT;
  const words = `${box.name} ${box.confidence.toFixed(2)}`;
  const width = ink.measureText(words).width + 12;
  const place = freePlace(box, width, rect, taken);
  if (!place) return;
  taken.push({ ...place, width });
  const { line, ink: dark } = overPicture(box.colour);
  ink.fillStyle = line;
  ink.beginPath();
  ink.roundRect(place.x, place.y, width, TAG_HEIGHT, 3);
  ink.fill();
  ink.fillStyle = dark;
  ink.textBaseline = "middle";
  ink.fillText(words, place.x + 6, place.y + TAG_HEIGHT / 2 + 0.5);
}

/**
 * Above the box, else below it, else inside, left or right, then up to three rows further off: where
 * no other tag is. null where there is no room: a box without its name is better than two unread.
 * @param {{x: number, y: number, width: number, height: number}} box
 * @param {{x: number, y: number, width: number}[]} taken  the tags that are there already
 */
export function freePlace(box, width, rect, taken) {
  const last = rect.x + rect.width - width;
  const within = (x) => Math.max(Math.min(x, last), rect.x);
  const columns = [within(box.x - 1), within(box.x + box.width - width + 1)];
  const row = TAG_HEIGHT + 2;
  const above = box.y - row;
  const below = box.y + box.height + 2;
  const rows = [above, below, box.y + 2, above - row, below + row, above - 2 * row, below + 2 * row];
  const isFree = (x, y) =>
    y >= rect.y &&
    y + TAG_HEIGHT <= rect.y + rect.height &&
    !taken.some((tag) => x < tag.x + tag.width && tag.x < x + width && Math.abs(y - tag.y) < TAG_HEIGHT);
  for (const y of rows) for (const x of columns) if (isFree(x, y)) return { x, y };
  return null;
}
