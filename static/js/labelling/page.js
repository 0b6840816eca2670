// The labelling page: reads what the server put into it and brings its parts to life.
import { Bindings } from "./bindings.js";
import { createConflicts } from "./conflicts.js";
import { Desk } from "./desk.js";
import { Frames } from "./frames.js";
import { createGuide } from "./guide.js";
import { createHead, createSaid } from "./head.js";
import { createHistory } from "./history.js";
import { openKept } from "./kept.js";
import { createKeySheet } from "./key-sheet.js";
import { wireKeys } from "./keys.js";
import { createLanes } from "./lanes.js";
import { Outbox } from "./outbox.js";
import { createPanel } from "./panel.js";
import { createPlayer } from "./player.js";
import { wirePointer } from "./pointer.js";
import { createPredict } from "./predict.js";
import { accept } from "./proposals.js";
import { createRemarks } from "./remarks.js";
import { createReview } from "./review.js";
import { showSaving } from "./saving.js";
import { createShapeActions } from "./shape-actions.js";
import { createStage } from "./stage.js";
import { countTime } from "./time.js";
import { View } from "./view.js";
import { createWorks } from "./works.js";

const FAR = 10;
const ZOOM = 1.3;

const first = JSON.parse(document.getElementById("labelling-data").textContent);
const outbox = new Outbox(await openKept());
await outbox.load();

const desk = new Desk({ frames: new Frames(), outbox });
const stageElement = document.getElementById("stage");
const view = new View(stageElement);
let remarks = null; // drawn on the stage, which is there before them
const stage = createStage({ desk, view, pins: () => remarks?.pins() ?? [] });
const held = { space: false, hasPanned: false };
const pointer = wirePointer({ desk, view, stage, held });
const shapes = createShapeActions(desk);
const works = createWorks({ desk, outbox, first });
remarks = createRemarks({ desk, view, outbox });
const guide = createGuide({ desk });
const review = createReview({ desk, outbox, works, remarks });
const predict = createPredict({ desk, outbox });
const player = createPlayer({ desk });
const bindings = new Bindings();
const say = createSaid({ desk });

/** What keys and buttons can ask for, by the names in bindings.js. */
const acts = {
  previous: () => move(-1),
  next: () => move(1),
  back: () => desk.go(desk.frame - FAR),
  on: () => desk.go(desk.frame + FAR),
  first: () => desk.go(0),
  last: () => desk.go(desk.session.length - 1),
  play: () => (desk.session.isClip ? player.toggle() : finish()),
  finish,
  nothing: works.nothing,
  skip: askWhy,
  draw: () => desk.ui.set({ tool: "draw" }),
  select: () => desk.ui.set({ tool: "select" }),
  pan: () => desk.ui.set({ tool: "pan" }),
  place: () => shapes.place(view),
  remove: shapes.remove,
  occluded: shapes.occluded,
  copyOn: () => (desk.session.isClip ? shapes.copyToNextFrame() : works.copyOn(shapes.toCopy())),
  copy: shapes.copy,
  paste: shapes.paste,
  undo: () => stepped("Undone", desk.session.undo()),
  redo: () => stepped("Done again", desk.session.redo()),
  accept: () => accept(desk, [desk.proposals.find(({ id }) => id === desk.ui.get().proposal) ?? desk.proposals[0]].filter(Boolean)),
  acceptAll: () => accept(desk, desk.proposals),
  keyframe: shapes.keyframe,
  outside: shapes.outside,
  previousKey: () => shapes.toKey(-1),
  nextKey: () => shapes.toKey(1),
  predict: () => predict.run(1),
  predictBack: () => predict.run(-1),
  predictAll: () => predict.run(1, { isAll: true }),
  split: shapes.split,
  merge: shapes.merge,
  zoomIn: () => view.zoomBy(ZOOM),
  zoomOut: () => view.zoomBy(1 / ZOOM),
  fit: () => view.fit(),
  boxes: () => desk.ui.set({ boxes: !desk.ui.get().boxes }),
  tags: () => desk.ui.set({ tags: !desk.ui.get().tags }),
  brighter: () => brighten(0.1),
  darker: () => brighten(-0.1),
  save: saveNow,
  approve: review.accept,
  sendBack: review.sendBack,
  reassign: review.reassign,
  takeBack: review.takeBack,
  remark: remarks.write,
  resolve: remarks.resolveNext,
  guide: guide.toggle,
  label: chooseLabel,
};

/** Of a piece in review, done means accepted. */
function finish() {
  return review.isOn() ? review.accept() : works.finish();
}

function move(direction) {
  player.stop();
  return desk.session.isClip ? desk.go(desk.frame + direction) : works.step(direction);
}

/** Undo stays where the person is, and says where it happened if that is out of sight. */
function stepped(what, step) {
  if (!step) return desk.say(what === "Undone" ? "There is nothing to undo" : "There is nothing to do again");
  const partly = step.isPartly ? "; what was changed elsewhere since was left" : "";
  const isElsewhere = desk.session.isClip && step.frame !== desk.frame;
  say(`${what}: ${step.words}${isElsewhere ? `, on frame ${(step.frame + 1).toLocaleString("en")}` : ""}${partly}`, desk.session.isClip ? step.frame : null);
}

function brighten(by) {
  const brightness = Math.min(Math.max(Math.round((desk.ui.get().brightness + by) * 10) / 10, 0.3), 3);
  desk.ui.set({ brightness });
}

/** A label for what is taken up and what is drawn next; in a whole-picture job, yes or no. */
function chooseLabel(label) {
  const { session } = desk;
  if (!session.isConcept) return shapes.relabel(label);
  const found = [...session.shapes].find(([, shape]) => shape.label === label);
  const { name } = desk.label(label);
  if (found) session.change(`took ${name} away`, { [found[0]]: null });
  else session.change(`added ${name}`, { [desk.newId()]: { label } });
  desk.say(found ? `Not ${name}` : name);
}

async function saveNow() {
  const isAll = await outbox.flush();
  desk.say(isAll ? "Saved" : "Not everything is saved yet");
}

// --- skip with a reason --------------------------------------------------------------------------
const skipSheet = document.getElementById("skip-sheet");
function askWhy() {
  if (desk.session.isReadOnly) return desk.tell("locked");
  if (review.isOn()) return review.sendBack();
  skipSheet.showModal();
  skipSheet.querySelector("input").focus();
}
skipSheet.addEventListener("close", () => {
  const { reason } = skipSheet.querySelector("form").elements;
  const why = reason.value.trim();
  reason.value = "";
  const { skip, give_back: giveBack } = desk.session.data.urls;
  if (skipSheet.returnValue === "skip" && why) works.end(skip, { reason: why }, "skipped");
  if (skipSheet.returnValue === "give-back") works.end(giveBack, {}, "returned");
  skipSheet.returnValue = "";
});

// --- the person's hands --------------------------------------------------------------------------
createPanel({ desk, shapes, acts });
createLanes({ desk });
createHead({ desk, view });
createConflicts({ desk });
createHistory({ desk, outbox });
createKeySheet({ bindings });
showSaving({ outbox, desk });
showInstructions();
countTime({ desk });
wireKeys({ desk, bindings, acts, shapes, stage: stageElement, held, escape });
wireButtons();

function escape() {
  if (pointer.cancel()) return;
  if (predict.isRunning()) return predict.cancel();
  desk.ui.set({ proposal: null, mergeWith: null });
  desk.session.select(null);
}

function wireButtons() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (!button || button.disabled) return;
    acts[button.dataset.do]?.();
    button.closest("details.menu")?.removeAttribute("open");
    // Keys go on working where the hand was: on the picture.
    if (button.closest(".tools")) stageElement.focus({ preventScroll: true });
  });
  const brightness = document.getElementById("brightness");
  brightness.addEventListener("input", () => desk.ui.set({ brightness: Number(brightness.value) }));
  const show = ({ tool, boxes, tags, brightness: value }) => {
    for (const name of ["draw", "select", "pan"]) {
      document.querySelector(`.tools [data-do=${name}]`).setAttribute("aria-pressed", String(tool === name));
    }
    document.querySelector("[data-do=boxes]").setAttribute("aria-pressed", String(boxes));
    document.querySelector("[data-do=tags]").setAttribute("aria-pressed", String(tags));
    brightness.value = String(value);
  };
  desk.ui.on(["tool", "boxes", "tags", "brightness"], show);
  show(desk.ui.get());
  const steps = () => {
    document.querySelector(".tools [data-do=undo]").disabled = !desk.session.done.length;
    document.querySelector(".tools [data-do=redo]").disabled = !desk.session.undone.length;
  };
  const taken = () => {
    const has = Boolean(desk.selected);
    for (const button of document.querySelectorAll("[data-needs=shape]")) button.disabled = !has;
    for (const button of document.querySelectorAll("[data-needs=proposal]")) button.disabled = !desk.proposals.length;
  };
  desk.on(["open", "change"], steps);
  desk.on(["open", "change", "select", "frame"], taken);
}

function showInstructions() {
  const body = document.getElementById("instructions-body");
  const examples = document.getElementById("instructions-examples");
  let shownFor = null;
  desk.on(["open"], () => {
    const { job } = desk.session.data;
    if (shownFor === job.id) return;
    shownFor = job.id;
    // Made by the server from the job's text, with markup in it taken as text.
    body.innerHTML = job.instructions_html;
    document.getElementById("instructions").hidden = !job.instructions_html && !job.examples?.length;
    examples.hidden = !job.examples?.length;
    examples.querySelector("div").replaceChildren(
      ...(job.examples ?? []).map(({ url }) => Object.assign(new Image(), { src: url, alt: "Example", loading: "lazy" })),
    );
  });
}

/** For who listens instead of looking: what was taken up. */
desk.on(["select"], () => {
  const { selected } = desk.session;
  const box = selected && desk.boxOf(selected);
  if (!box) return;
  const { width, height } = desk.session.data;
  const [x, y, x2, y2] = [box[0] * width, box[1] * height, box[2] * width, box[3] * height].map(Math.round);
  desk.say([desk.name(selected), desk.standing(desk.selected), `${x2 - x} by ${y2 - y} pixels at ${x}, ${y}`].filter(Boolean).join(", "));
  view.reveal(box);
});
let lastTold = 0;
desk.on(["locked"], () => {
  if (performance.now() - lastTold < 4000) return;
  lastTold = performance.now();
  desk.toast(desk.session.data.why_not || "You may look at this work, but not change it.");
});
desk.addEventListener("predicted", ({ detail }) => say(detail.said, detail.frame));
outbox.addEventListener("elsewhere", ({ detail }) => {
  desk.toast("Changes in another picture were changed elsewhere too. Open it to choose: number " + detail);
});

/** For the bench: how long each frame took from the press to the picture, in ms. */
window.sightlineFrameTimes = desk.times;

history.replaceState({ work: first.id }, "");
const asked = Number(location.hash.match(/^#frame=(\d+)$/)?.[1] ?? 0);
if (works.session.isClip) works.session.frame = Math.min(asked, works.session.length - 1);
await desk.open(works.session);
works.lookAhead();
window.sightlineOpened = performance.now();
document.documentElement.dataset.ready = "yes";
