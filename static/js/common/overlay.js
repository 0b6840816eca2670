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
 * @param {{size: [number, number], labels: Map<number, {name: string, colour: string}>}} picture
 */
export function drawBoxes(canvas, boxes, { size, labels }) {
  const { ink, width, height } = sharpen(canvas);
  const rect = pictureRect(size, [width, height]);
  const placed = boxes
    .map((box) => ({ ...box, ...onStage(box.xyxy, rect), ...labels.get(box.label) }))
    .filter((box) => box.name)
    .sort((a, b) => b.width * b.height - a.width * a.height); // small ones stay readable on top
  for (const box of placed) drawBox(ink, box);
  const taken = [];
  for (const box of placed) drawTag(ink, box, rect, taken);
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
  ink.lineWidth = 4;
  ink.strokeStyle = "#0006"; // an edge, so that the line is seen on its own colour too
  if (!box.weak) ink.stroke();
  ink.setLineDash(box.weak ? [6, 5] : []);
  ink.lineWidth = 2;
  ink.strokeStyle = overPicture(box.colour).line;
  ink.stroke();
  ink.setLineDash([]);
}

function drawTag(ink, box, rect, taken) {
  ink.font = FONT;
  const words = `${box.name} ${box.confidence.toFixed(2)}`;
  const width = ink.measureText(words).width + 12;
  const place = freePlace(box, width, rect, taken);
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

/** Above the box, else below it, else inside; where no other tag is. */
function freePlace(box, width, rect, taken) {
  const right = rect.x + rect.width - width;
  const x = Math.max(Math.min(box.x - 1, right), rect.x);
  const places = [box.y - TAG_HEIGHT - 2, box.y + box.height + 2, box.y + 2].map((y) => ({ x, y }));
  const inside = places.filter(
    ({ y }) => y >= rect.y && y + TAG_HEIGHT <= rect.y + rect.height,
  );
  const overlaps = (a) =>
    taken.some(
      (b) => a.x < b.x + b.width && b.x < a.x + width && Math.abs(a.y - b.y) < TAG_HEIGHT,
    );
  return inside.find((place) => !overlaps(place)) || inside[0] || places[2];
}
