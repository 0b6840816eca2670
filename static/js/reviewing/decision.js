// What a person makes of an item: its predictions become shapes of a session, as the labelling page
// edits them, and the shapes that are left become the decision.
import { overlap } from "../labelling/geometry.js";
import { Session } from "../labelling/session.js";

const SAME = 0.5; // intersection over union from which a person's box is about a prediction

/**
 * @typedef {{id: string, label: number, box: number[], confidence: number, is_weak: boolean, is_matched: boolean, is_judged?: boolean,
 *   track: {start_s: number, end_s: number, n_frames: number, seconds?: number}|null}} Prediction
 * @typedef {{prediction: string|null, label: number, box: number[]}} Given  a box of the decision
 */

/** What it is about comes first, then the surest. */
export const inOrder = (boxes) =>
  [...boxes].sort((a, b) => Number(b.is_matched) - Number(a.is_matched) || b.confidence - a.confidence);

/** The item as something to edit. @param {object[]} labels  of its project */
export function sessionOf(item, labels) {
  const shapes = {};
  for (const [i, { id, label, box }] of inOrder(item.boxes).entries()) {
    shapes[`p${String(i).padStart(4, "0")}`] = { label, box, occluded: false, prediction: id };
  }
  const { id, width, height, picture_url: url } = item;
  return new Session({ id, kind: "picture", task: "boxes", times: [0], width, height, labels, frame_url: url, document: { shapes } });
}

/** The boxes that are drawn now. @returns {Given[]} */
export const boxesOf = (session) =>
  [...session.shapes.values()].map(({ prediction = null, label, box }) => ({ prediction, label, box }));

/** What became of a prediction: "accepted", "relabelled", "moved" or "rejected". @param {Given|undefined} given */
export function fateOf(prediction, given) {
  if (!given) return "rejected";
  if (given.label !== prediction.label) return "relabelled";
  return given.box.every((value, i) => value === prediction.box[i]) ? "accepted" : "moved";
}

/** Below its label's threshold, and nobody said yet that it is there: drawn dashed. */
export const isWeak = (prediction, shape) => prediction.is_weak && !prediction.is_judged && prediction.label === shape.label;

const WORDS = { accepted: "accept", relabelled: "relabel", moved: "move", rejected: "reject", drew: "add" };

/** How many there are of each fate, those that occur: {accepted: 2, drew: 1}. @param {Given[]} boxes */
export function tally(item, boxes) {
  const given = new Map(boxes.map((box) => [box.prediction, box]));
  const fates = item.boxes.map((prediction) => fateOf(prediction, given.get(prediction.id)));
  for (const { prediction } of boxes) if (prediction === null) fates.push("drew");
  const counts = Object.keys(WORDS).map((fate) => [fate, fates.filter((one) => one === fate).length]);
  return Object.fromEntries(counts.filter(([, n]) => n));
}

/** "Accepted 2, rejected 1". */
export const said = (item, boxes) => sentence(Object.entries(tally(item, boxes)), "Nothing is here");

/** What Enter will do, for its button: "Accept 2, reject 1". */
export const offered = (item, boxes) =>
  sentence(Object.entries(tally(item, boxes)).map(([fate, n]) => [WORDS[fate], n]), "Nothing is here");

function sentence(parts, none) {
  const words = parts.map(([verb, n]) => `${verb} ${n}`).join(", ");
  return words ? words[0].toUpperCase() + words.slice(1) : none;
}

/**
 * Somebody else's boxes in the place of those that are drawn, as one step that undo takes back. A
 * box that lies where a prediction lies is about that prediction.
 * @param {{name: string, boxes: {label: number, box: number[]}[]}} other
 */
export function takeOver(item, session, other, newId) {
  const free = new Map(item.boxes.map((prediction) => [prediction.id, prediction]));
  const wanted = Object.fromEntries([...session.shapes.keys()].map((id) => [id, null]));
  for (const { label, box } of other.boxes) {
    const about = nearest([...free.values()], label, box);
    if (about) free.delete(about.id);
    wanted[newId()] = { label, box, occluded: false, ...(about && { prediction: about.id }) };
  }
  return session.change(`took over what ${other.name} said`, wanted);
}

function nearest(predictions, label, box) {
  const [best] = predictions
    .map((one) => ({ one, near: overlap(one.box, box) + (one.label === label ? 1 : 0), share: overlap(one.box, box) }))
    .filter(({ share }) => share >= SAME)
    .sort((a, b) => b.near - a.near);
  return best?.one ?? null;
}
