// What a model proposes: dashed until a person takes it. Taken means a shape of theirs says the
// same: the same label on nearly the same place.
import { overlap } from "./geometry.js";
import { isTrack, shownAt, withKey } from "./tracks.js";

const SAME = 0.6; // intersection over union from which a shape answers a proposal
const SAME_TRACK = 0.3; // with a track of that label, carried over from another frame

/** @returns {object[]} proposals of the frame that wait for an answer, surest first */
export function openProposals(session, frame) {
  const here = byFrame(session.data).get(frame) ?? [];
  return here.filter((proposal) => !session.refused.has(proposal.id) && !isAnswered(session, proposal, frame));
}

const frames = new WeakMap();
function byFrame(data) {
  if (!frames.has(data)) {
    const sorted = [...(data.proposals ?? [])].sort((a, b) => b.confidence - a.confidence);
    frames.set(data, Map.groupBy ? Map.groupBy(sorted, (one) => one.frame ?? 0) : grouped(sorted));
  }
  return frames.get(data);
}

function grouped(proposals) {
  const groups = new Map();
  for (const one of proposals) groups.set(one.frame ?? 0, [...(groups.get(one.frame ?? 0) ?? []), one]);
  return groups;
}

function isAnswered(session, proposal, frame) {
  for (const shape of session.shapes.values()) {
    if (shape.proposal && shape.proposal === String(proposal.id)) return true;
    if (shape.label !== proposal.label) continue;
    if (session.isConcept) return true;
    const state = shownAt(shape, frame);
    if (state && overlap(state.box, proposal.box) >= SAME) return true;
  }
  return false;
}

/** Take proposals as one step. In a clip one that continues a track becomes a key of it. */
export function accept(desk, proposals) {
  const { session, frame } = desk;
  if (!proposals.length) return;
  const wanted = {};
  for (const proposal of proposals) {
    const [id, track] = trackOf(session, proposal, frame, wanted);
    if (id) {
      wanted[id] = withKey(wanted[id] ?? track, frame, { box: proposal.box, outside: false });
      continue;
    }
    const extra = { accepted: proposal.confidence, proposal: String(proposal.id) };
    wanted[desk.newId()] = desk.newShape(proposal.label, proposal.box, extra);
  }
  const words = proposals.length === 1 ? desk.label(proposals[0].label).name : `${proposals.length} proposals`;
  session.change(`accepted ${words}`, wanted);
  desk.ui.set({ proposal: null });
  desk.say(`Accepted ${words}`);
}

function trackOf(session, proposal, frame, taken) {
  if (!session.isClip) return [null, null];
  for (const [id, shape] of session.shapes) {
    if (shape.label !== proposal.label || !isTrack(shape) || taken[id]) continue;
    const state = shownAt(shape, frame);
    if (state && overlap(state.box, proposal.box) >= SAME_TRACK) return [id, shape];
  }
  return [null, null];
}
