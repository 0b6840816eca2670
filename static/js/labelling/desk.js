// What the person has before them: one work, one frame of it, one shape taken up. Every part of
// the page reads it here and hears from it what changed.
import { createStore } from "../common/store.js";
import { NoPicture } from "./frames.js";
import { openProposals } from "./proposals.js";
import { newId } from "./shapes.js";
import { isTrack, keyBeside, shownAt, stateAt, withKey } from "./tracks.js";

/**
 * Events: "open" (another work), "frame", "change" (shapes), "select", "picture".
 * `ui`: {tool, label, boxes, tags, brightness, draft, hover, proposal}
 */
export class Desk extends EventTarget {
  /** @param {{frames: object, outbox?: object, remembered?: string}} options  `remembered`: how one looks, under this name */
  constructor({ frames, outbox = null, remembered = "sightline.labelling.view" }) {
    super();
    Object.assign(this, { frames, outbox, session: null, picture: null, problem: "", isHere: false, asked: 0, times: [], heard: new WeakSet() });
    this.advance = 0; // works finished here, which the server's count does not have yet
    const kept = readView(remembered);
    this.ui = createStore({
      tool: "draw", label: null, boxes: true, tags: true, brightness: 1, count: 30,
      draft: null, hover: null, proposal: null, mergeWith: null, ...kept,
    });
    this.ui.on(["brightness", "tags", "count"], ({ brightness, tags, count }) => {
      localStorage.setItem(remembered, JSON.stringify({ brightness, tags, count }));
    });
  }

  get frame() {
    return this.session.frame;
  }
  get labels() {
    return this.session.data.labels;
  }
  label(id) {
    return this.labels.find((label) => label.id === id) ?? { id, name: "Removed label", colour: "#808080" };
  }
  get selected() {
    return this.session.shapes.get(this.session.selected) ?? null;
  }

  open(session, started = performance.now()) {
    this.session = session;
    this.#hear(session);
    const { label } = this.ui.get();
    this.ui.set({
      mergeWith: null,
      label: this.labels.some((one) => one.id === label) ? label : (this.labels[0]?.id ?? null),
      draft: null, hover: null, proposal: null,
    });
    this.tell("open");
    return this.go(session.frame, { isNew: true, started });
  }

  /** Nothing lies here now: the stage is empty. @param {object} session  one without shapes */
  clear(session) {
    this.asked += 1;
    Object.assign(this, { session, picture: null, problem: "", isHere: false });
    this.ui.set({ draft: null, hover: null, proposal: null });
    this.tell("open");
    this.tell("picture");
  }

  #hear(session) {
    if (this.heard.has(session)) return;
    this.heard.add(session);
    for (const kind of ["change", "select", "locked"]) {
      session.addEventListener(kind, () => this.session === session && this.tell(kind));
    }
  }

  tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
  on(kinds, listen) {
    for (const kind of kinds) this.addEventListener(kind, listen);
  }

  frameUrl(frame = this.frame) {
    return this.session.data.frame_url.replace("{n}", String(frame));
  }

  /** Show a frame. Resolves when it is painted. */
  async go(frame, { isNew = false, started = performance.now() } = {}) {
    const { session } = this;
    const to = Math.min(Math.max(frame, 0), session.length - 1);
    if (to === session.frame && !isNew) return;
    const direction = to >= session.frame ? 1 : -1;
    session.frame = to;
    const asked = (this.asked += 1);
    this.ui.set({ draft: null, proposal: null, hover: null });
    const url = this.frameUrl(to);
    const ready = this.frames.atHand(url);
    if (ready) this.#show(ready);
    this.isHere = Boolean(ready);
    this.problem = "";
    this.tell("frame");
    const arrived = this.frames.picture(url);
    this.frames.around((n) => this.frameUrl(n), to, session.length, direction);
    try {
      const picture = await arrived;
      if (asked !== this.asked) return;
      this.#show(picture);
      this.isHere = true;
    } catch (error) {
      if (asked !== this.asked || !(error instanceof NoPicture)) return;
      this.picture = null;
      this.problem = error.message;
    }
    this.tell("picture");
    await new Promise((resolve) => requestAnimationFrame(resolve));
    this.#measure(started);
  }

  #show(picture) {
    this.picture = picture;
    this.frames.shown = picture;
  }

  #measure(started) {
    const took = performance.now() - started;
    this.times.push(took);
    if (this.times.length > 5000) this.times.splice(0, 1000);
    performance.measure("sightline:frame", { start: started, duration: took });
    if (performance.getEntriesByName("sightline:frame").length > 2000) performance.clearMeasures("sightline:frame");
  }

  /** The shapes that are in this frame, smallest last: [{id, shape, label, box, occluded, isKey}]. */
  shown(frame = this.frame) {
    const found = [];
    for (const [id, shape] of this.session.shapes) {
      const state = shownAt(shape, frame);
      if (state) found.push({ id, shape, label: this.label(shape.label), ...state });
    }
    return found;
  }

  /** Proposals of this frame that are neither taken nor refused. */
  get proposals() {
    return openProposals(this.session, this.frame);
  }

  boxOf(id) {
    const shape = this.session.shapes.get(id);
    return shape ? (shownAt(shape, this.frame)?.box ?? null) : null;
  }

  /** A shape as people call it: "Kestrel", in a clip "Kestrel 4". */
  name(id, shape = this.session.shapes.get(id)) {
    const { name } = this.label(shape.label);
    return isTrack(shape) ? `${name} ${this.session.numbers.get(id)}` : name;
  }

  /** Give a shape a box in this frame; in a clip that makes a key. */
  setBox(id, box, words, joins = "") {
    const shape = this.session.shapes.get(id);
    const next = isTrack(shape) ? withKey(shape, this.frame, { box, outside: false }) : { ...shape, box };
    return this.session.change(`${words} ${this.name(id)}`, { [id]: next }, { joins });
  }

  newId() {
    return newId();
  }

  newShape(label, box, extra = {}) {
    if (this.session.isConcept) return { label, ...extra };
    if (!this.session.isClip) return { label, box, occluded: false, ...extra };
    return { label, keys: { [this.frame]: { box, occluded: false, outside: false } }, ...extra };
  }

  /** "keyframe", "between" two, "held" after the last … : how a shape comes to be in this frame. */
  standing(shape) {
    if (!isTrack(shape)) return "";
    const state = stateAt(shape, this.frame);
    if (!state) return "not yet";
    if (state.outside || state.isKey) return state.outside ? "out of frame" : "keyframe";
    return keyBeside(shape, this.frame, 1) === null ? "held" : "between";
  }

  say(text) {
    document.getElementById("work-live").textContent = text;
  }
  toast(text, kind = "info") {
    dispatchEvent(new CustomEvent("sightline:tell", { detail: { text, kind } }));
  }
}

function readView(remembered) {
  try {
    return JSON.parse(localStorage.getItem(remembered)) ?? {};
  } catch {
    return {};
  }
}
