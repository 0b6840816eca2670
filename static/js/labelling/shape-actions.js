// What can be done with the taken-up shape and its neighbours: each is one step that undo takes back.
import { moved, resized, rounded } from "./geometry.js";
import { isTrack, keyBeside, merged, shownAt, split, stateAt, toggledOutside, withKey, withoutKey } from "./tracks.js";
import { withoutRev } from "./shapes.js";

/** @param {import("./desk.js").Desk} desk */
export function createShapeActions(desk) {
  const chosen = () => {
    const { session, selected } = desk;
    return selected ? { session, id: session.selected, shape: selected, name: desk.name(session.selected) } : null;
  };
  const chosenTrack = () => {
    const one = chosen();
    if (one && isTrack(one.shape)) return one;
    desk.say("Take up a track first");
    return null;
  };
  let copied = null;

  const actions = {
    remove() {
      const one = chosen();
      if (!one) {
        const { proposal } = desk.ui.get();
        if (proposal !== null) desk.session.refuseProposal(proposal);
        return;
      }
      one.session.change(`deleted ${one.name}`, { [one.id]: null });
      desk.say(`Deleted ${one.name}`);
    },

    relabel(label) {
      desk.ui.set({ label });
      const one = chosen();
      if (!one || one.shape.label === label) return;
      one.session.change(`made ${one.name} a ${desk.label(label).name}`, { [one.id]: { ...one.shape, label } });
    },

    occluded() {
      const one = chosen();
      const now = one && shownAt(one.shape, desk.frame);
      if (!now) return;
      const occluded = !now.occluded;
      const shape = isTrack(one.shape) ? withKey(one.shape, desk.frame, { occluded }) : { ...one.shape, occluded };
      one.session.change(`${occluded ? "marked" : "unmarked"} ${one.name} occluded`, { [one.id]: shape });
    },

    outside() {
      const one = chosenTrack();
      if (!one) return;
      const shape = toggledOutside(one.shape, desk.frame);
      if (!shape) return desk.toast("A track starts in its first frame. Delete it to have it nowhere.");
      const isOut = stateAt(shape, desk.frame).outside;
      one.session.change(`${isOut ? "took" : "brought"} ${one.name} ${isOut ? "out of the frame" : "back"}`, { [one.id]: shape });
      desk.say(`${one.name} ${isOut ? "leaves the frame here" : "is back in the frame"}`);
    },

    keyframe() {
      const one = chosenTrack();
      if (!one) return;
      const state = stateAt(one.shape, desk.frame);
      if (!state) return;
      if (!state.isKey) return one.session.change(`added a keyframe to ${one.name}`, { [one.id]: withKey(one.shape, desk.frame) });
      const shape = withoutKey(one.shape, desk.frame);
      if (!shape) return desk.toast("This is the track's only keyframe. Delete the track instead.");
      one.session.change(`removed a keyframe from ${one.name}`, { [one.id]: shape });
    },

    toKey(direction) {
      const one = chosenTrack();
      const frame = one && keyBeside(one.shape, desk.frame, direction);
      if (frame !== null) desk.go(frame);
    },

    split() {
      const one = chosenTrack();
      const parts = one && split(one.shape, desk.frame);
      if (!parts) return one && desk.toast("Go to a later frame of the track: it is cut before the frame you look at.");
      const id = desk.newId();
      one.session.change(`split ${one.name}`, { [one.id]: parts[0], [id]: withoutRev(parts[1]) });
      one.session.select(id);
      desk.say(`Split. The part from here on is ${desk.name(id)}`);
    },

    /** Two presses: one says which track, the next, with another track taken up, joins them. */
    merge() {
      const one = chosenTrack();
      if (!one) return;
      const { mergeWith } = desk.ui.get();
      const other = one.session.shapes.get(mergeWith);
      if (!other || mergeWith === one.id) {
        desk.ui.set({ mergeWith: one.id });
        return desk.toast(`Take up the track that goes on with ${one.name}, and merge again.`);
      }
      const name = desk.name(mergeWith);
      one.session.change(`merged ${name} and ${one.name}`, { [mergeWith]: merged(other, one.shape), [one.id]: null });
      one.session.select(mergeWith);
      desk.ui.set({ mergeWith: null });
      desk.say(`Merged into ${name}`);
    },

    /** Arrows move a box by one pixel of the picture, ten with Ctrl; with Shift they pull its corner. */
    nudge([dx, dy], { isResize, isFar }) {
      const box = desk.session.selected && desk.boxOf(desk.session.selected);
      if (!box) return false;
      const { width, height } = desk.session.data;
      const far = isFar ? 10 : 1;
      const [x, y] = [(dx * far) / (width || 1000), (dy * far) / (height || 1000)];
      const next = isResize ? resized(box, "se", [box[2] + x, box[3] + y]) : moved(box, x, y);
      if (next[2] - next[0] < 1e-4 || next[3] - next[1] < 1e-4) return true;
      desk.setBox(desk.session.selected, next, isResize ? "resized" : "moved", `nudge ${isResize} ${desk.session.selected} ${desk.frame}`);
      return true;
    },

    /** A new box without the mouse: a fifth of what is in sight, in its middle. */
    place(view) {
      const { label } = desk.ui.get();
      if (label === null || desk.session.isConcept) return;
      const [cx, cy] = view.centre();
      const side = 0.1 / Math.max(view.zoom, 1);
      const box = rounded([cx - side, cy - side, cx + side, cy + side].map((value) => Math.min(Math.max(value, 0), 1)));
      const id = desk.session.add(`drew ${desk.label(label).name}`, desk.newShape(label, box));
      desk.say(`${desk.name(id)} in the middle. Arrows move it, with Shift they size it`);
    },

    cycle(direction) {
      const items = [...desk.shown().map(({ id }) => ({ id })), ...desk.proposals.map(({ id }) => ({ proposal: id }))];
      const { proposal } = desk.ui.get();
      const at = items.findIndex((item) => (item.id ? item.id === desk.session.selected : item.proposal === proposal));
      const next = at < 0 ? (direction > 0 ? 0 : items.length - 1) : at + direction;
      if (!items[next]) return false;
      desk.ui.set({ proposal: items[next].proposal ?? null });
      desk.session.select(items[next].id ?? null);
      return true;
    },

    copy() {
      const box = desk.session.selected && desk.boxOf(desk.session.selected);
      if (!box) return;
      copied = { label: desk.selected.label, box };
      desk.say("Copied");
    },
    paste() {
      if (!copied || desk.session.isConcept) return;
      if (!desk.labels.some((label) => label.id === copied.label)) return;
      desk.session.add(`pasted ${desk.label(copied.label).name}`, desk.newShape(copied.label, copied.box));
    },

    /** In a clip, the box as it is here becomes a keyframe of the next frame too. */
    copyToNextFrame() {
      const { session, frame } = desk;
      if (frame >= session.length - 1) return;
      const wanted = {};
      for (const { id, shape, box, occluded } of desk.shown()) {
        if (session.selected && id !== session.selected) continue;
        wanted[id] = withKey(withKey(shape, frame), frame + 1, { box, occluded, outside: false });
      }
      const count = Object.keys(wanted).length;
      if (count) session.change(count === 1 ? `copied ${desk.name(Object.keys(wanted)[0])} on` : `copied ${count} boxes on`, wanted);
      desk.go(frame + 1);
    },

    /** Boxes of this picture that another picture shall have too. */
    toCopy() {
      const { session } = desk;
      const ids = session.selected ? [session.selected] : [...session.shapes.keys()];
      return ids.map((id) => session.shapes.get(id)).filter(Boolean).map(({ label, box, occluded }) => ({ label, ...(box && { box, occluded }) }));
    },
  };
  return actions;
}
