// The page on which a reviewer decides: item after item, each edited as on the labelling page and
// decided by one key.
import { clock } from "../common/clock.js";
import { createLent } from "../common/lent.js";
import { Outbox, keptAs } from "../common/outbox.js";
import { Refusal, SignedOut, post } from "../common/post.js";
import { Desk } from "../labelling/desk.js";
import { wireKeys } from "../labelling/keys.js";
import { createLabels } from "../labelling/panel.js";
import { wirePointer } from "../labelling/pointer.js";
import { Session } from "../labelling/session.js";
import { createShapeActions } from "../labelling/shape-actions.js";
import { createStage } from "../labelling/stage.js";
import { View } from "../labelling/view.js";
import { boxesOf, inOrder, isWeak, said, sessionOf } from "./decision.js";
import { createEditing } from "./editing.js";
import { createHead } from "./head.js";
import { bindings } from "./keys.js";
import { createPictures } from "./pictures.js";
import { askForNext, sender } from "./sending.js";
import { createSide } from "./side.js";
import { Sitting } from "./sitting.js";
import { SaidTracks } from "./tracks.js";

const TOO_FAST_MS = 150; // a key that is pressed twice does not decide what nobody saw
const AGAIN_MS = 2000;
const ELSEWHERE_MS = 10_000;
const LATE_MS = 250;
const ZOOM = 1.3;

/**
 * @typedef {object} Work  an item before this person, with what they changed of it
 * @property {number} id
 * @property {object} lent  the item as the server lent it
 * @property {object} item  the same with what was said since of its tracks
 * @property {{name: string, labels: object[]}} project
 * @property {Session} session
 * @property {boolean} hasTracks
 * @property {"track"|"frame"} scope
 * @property {number|null} other  whose boxes are shown over the picture
 * @property {number} opened  when it came
 * @property {number} since  when its picture came into sight; 0 while it has not
 */

const data = JSON.parse(document.getElementById("review-data").textContent);
const $ = (id) => document.getElementById(id);
const projects = new Map();
const history = []; // {work, words, isSkip}, the last one last
const sitting = new Sitting();
const saidTracks = new SaidTracks();
const ended = new Map(); // item → the one whose decision ended it too, as the server says
let passed = []; // works that are not shown, for what was said of their tracks elsewhere
const outbox = new Outbox(sender(data.urls), keptAs(data.kept));
const { frames, lies } = createPictures();
const lent = createLent({ ask, isPending: (id) => outbox.has(id), arrive });
/** @type {Work|null} */
let now = null;
let turn = 0;
let again = 0;
let late = 0;
let isOut = false; // signed out
let left = 0;
let usual = "track"; // what is decided where there are tracks, as it was chosen last

const nothing = () => new Session({ id: 0, kind: "picture", task: "boxes", times: [], labels: [], frame_url: "", may_change: false });
const work = () => now;
const desk = new Desk({ frames, remembered: "sightline.reviewing.view" });
desk.session = nothing();
desk.ui.set({ tool: "select" });
const stageElement = $("stage");
const view = new View(stageElement);
const stage = createStage({ desk, view, look, theirs });
const held = { space: false, hasPanned: false };
const pointer = wirePointer({ desk, view, stage, held });
const shapes = createShapeActions(desk);
const editing = createEditing({ desk, view, shapes, stage, work });

/** What keys and buttons can ask for, by the names in keys.js. */
const acts = {
  ...editing,
  accept: () => decide(boxesOf(desk.session)),
  reject: () => decide([]),
  unsure: () => decide([], { unsure: true }),
  skip,
  undo,
  redo: () => stepped("Done again", desk.session.redo()),
  zoomIn: () => view.zoomBy(ZOOM),
  zoomOut: () => view.zoomBy(1 / ZOOM),
  fit: () => view.fit(),
  boxes: () => desk.ui.set({ boxes: !desk.ui.get().boxes }),
  tags: () => desk.ui.set({ tags: !desk.ui.get().tags }),
  brighter: () => brighten(0.1),
  darker: () => brighten(-0.1),
};

async function ask() {
  const found = await askForNext(data.urls, projects);
  left = found.left;
  return found;
}

/** @returns {Work} */
function arrive(item) {
  lies(item.picture_url, item.picture);
  const hasTracks = item.asset.kind === "video" && item.boxes.some(({ track }) => track);
  const project = projects.get(item.project) ?? { name: "", labels: [] };
  const session = sessionOf(item, project.labels);
  return { id: item.id, lent: item, item, project, session, hasTracks, scope: "frame", other: null, opened: 0, since: 0 };
}

// --- from item to item ---------------------------------------------------------------------------

/** The next item. @param {string} before  what was just decided, for who listens */
async function goOn(before = "") {
  const mine = (turn += 1);
  clearTimeout(again);
  pointer.cancel();
  now = null;
  try {
    const next = (await nextOpen()) ?? (await lastOnes(mine));
    if (mine !== turn) return next && lent.putBack(next); // taken back meanwhile
    leaveDoor();
    if (next) show(next, before);
    else end(before);
  } catch (error) {
    if (mine !== turn) return;
    clear();
    if (error instanceof Refusal) return tellOnStage(error.message, { isBack: true });
    if (error instanceof SignedOut) return showDoor();
    tellOnStage("The server cannot be reached. This goes on by itself when it can.");
    again = setTimeout(goOn, AGAIN_MS);
  }
}

/** The next one of which something is still to be said. */
async function nextOpen() {
  let next = await lent.next();
  while (next && isOver(next)) {
    passed.push(next);
    next = await lent.next();
  }
  return next;
}

/** Whether its tracks were said of already. Where the server heard that and did not end it, it is asked about. */
function isOver({ id, lent: item, opened }) {
  const isTold = !outbox.entries.some(({ did }) => did === "decide");
  return !opened && (isTold ? ended.has(id) : saidTracks.isSettled(item));
}

/** None is here: once everything is said, the server knows best whether there is one. */
async function lastOnes(mine) {
  if (mine !== turn) return null;
  clear();
  if (outbox.count) tellOnStage("The last decisions are being sent…");
  await outbox.empty();
  if (mine !== turn) return null;
  const { items } = lent.standing;
  for (const { id } of items) lent.forget(id); // taken back in another window
  return nextOpen();
}

/** What was said of its tracks since it was lent; what the person changed of it already stays. */
function refresh(next) {
  const item = saidTracks.applied(next.lent);
  if (item === next.item || next.session.done.length) return;
  Object.assign(next, { item, session: sessionOf(item, next.project.labels) });
}

function show(next, before = "") {
  refresh(next);
  now = next;
  if (!now.opened && now.hasTracks) now.scope = usual;
  Object.assign(now, { opened: performance.now(), since: 0 });
  tellOnStage("");
  showReady(false);
  $("work").style.setProperty("--tall", next.item.height / next.item.width || 0.5625);
  desk.picture = frames.atHand(next.item.picture_url); // never the one before under these boxes
  desk.open(next.session);
  view.fit();
  const [about] = inOrder(next.item.boxes);
  desk.ui.set({ tool: "select", label: about?.label ?? desk.ui.get().label });
  frames.ahead(lent.ahead.map(({ item }) => item.picture_url));
  countAhead();
  clearTimeout(late);
  late = setTimeout(() => now === next && !next.since && tellOnStage("The picture is being cut out…"), LATE_MS);
  showLast();
  desk.say([before, inWords(next)].filter(Boolean).join(". "));
  keepFocus();
}

/** The picture is there, or it is sure that it never will be. */
desk.on(["picture"], () => {
  if (!now || desk.session !== now.session) return;
  clearTimeout(late);
  now.since = performance.now();
  tellOnStage("");
  if (desk.problem) desk.say(`${desk.problem} Say that you cannot tell, or skip it`);
  showReady(true);
});

/** For tests and the bench: how many of the next pictures are here. */
function countAhead() {
  $("work").dataset.ahead = String(lent.ahead.filter(({ item }) => frames.hasFile(item.picture_url)).length);
}
frames.addEventListener("loaded", countAhead);

/** Nothing is left for this person: others have the rest, or there is none. */
function end(before) {
  const { elsewhere } = lent.standing;
  clear();
  desk.say(before);
  if (!left) return tellOnStage("Nothing waits for you.", { isBack: true });
  tellOnStage(restInWords(left, elsewhere), { isBack: true });
  again = setTimeout(goOn, ELSEWHERE_MS);
}

function restInWords(n, elsewhere) {
  if (!elsewhere) return n === 1 ? "The last one waits for somebody else’s opinion." : `The last ${n} wait for somebody else’s opinion.`;
  const rest = elsewhere === 1 ? "The last one is with somebody else. It comes" : `The last ${elsewhere} are with somebody else. They come`;
  return `${rest} here if not decided within five minutes.`;
}

function clear() {
  showReady(false);
  desk.clear(nothing());
}

function inWords({ item, project }) {
  const names = new Map(project.labels.map(({ id, name }) => [id, name]));
  const boxes = inOrder(item.boxes).map(({ label, confidence }) => `${names.get(label) ?? "a removed label"} ${confidence.toFixed(2)}`);
  const why = item.because.map(({ words }) => words).join(". ");
  const where = item.asset.kind === "video" ? `${item.asset.name} at ${clock(item.time_s, 1)}` : item.asset.name;
  return `${where}. ${why ? `${why}. ` : ""}${boxes.length ? boxes.join(", ") : "Nothing was found"}`;
}

// --- deciding ------------------------------------------------------------------------------------

/** Whether somebody can have seen it, so that a key may decide. */
const isSeen = (since) => Boolean(now && since && performance.now() - since >= TOO_FAST_MS);

function decide(boxes, { unsure = false } = {}) {
  if (!isSeen(now?.since)) return;
  if (!desk.isHere && !unsure) return desk.say("This picture cannot be shown: say that you cannot tell, or skip it");
  const seconds = Math.round(performance.now() - now.since) / 1000;
  outbox.add({ id: now.id, did: "decide", said: { boxes, unsure, scope: now.scope, seconds } });
  sitting.add(now.id, seconds);
  if (now.scope === "track" && !unsure) saidTracks.add(now.item, boxes);
  leave(unsure ? "Cannot tell" : said(now.item, boxes));
}

function skip() {
  if (!isSeen(now?.opened)) return;
  outbox.add({ id: now.id, did: "skip" });
  leave("Skipped", { isSkip: true });
}

function leave(words, { isSkip = false } = {}) {
  history.push({ work: now, words, isSkip });
  showLast();
  head.showCounts();
  goOn(words);
}

/** The last edit, and where there is none the last decision: its item is here again as it was. */
function undo() {
  if (now?.session.done.length) return stepped("Undone", desk.session.undo());
  const last = history.pop();
  if (!last) return desk.say("There is nothing to undo");
  if (last.isSkip) outbox.drop(last.work.id);
  else outbox.takeBack({ id: last.work.id, did: "undo" });
  sitting.takeBack(last.work.id);
  lent.putBack(last.work, ...(now ? [now] : []), ...unsay(last.work.id));
  showLast();
  head.showCounts();
  return goOn(`Taken back: ${last.words}`);
}

/** Nothing was said of its tracks after all: what was passed by for that is asked about. */
function unsay(id) {
  saidTracks.takeBack(id);
  for (const [other, by] of ended) if (by === id) ended.delete(other);
  const open = passed.filter((one) => !ended.has(one.id) && !saidTracks.isSettled(one.lent));
  passed = passed.filter((one) => !open.includes(one));
  return open;
}

function stepped(what, step) {
  desk.say(step ? `${what}: ${step.words}` : "There is nothing to do again");
}

function showLast() {
  const last = history.at(-1);
  $("last").textContent = last ? last.words : "";
  const steps = now?.session.done.length || last;
  for (const button of document.querySelectorAll("[data-do=undo]")) button.setAttribute("aria-disabled", String(!steps));
}

outbox.addEventListener("answered", ({ detail: { entry, answer } }) => {
  if (entry.did === "skip") lent.forget(entry.id); // it comes again, after all others
  for (const id of answer.along ?? []) ended.set(id, entry.id);
  askWhatStayed();
  left = answer.left;
  head.showCounts();
});
outbox.addEventListener("refused", ({ detail: { entry, sentence, status } }) => {
  lent.forget(entry.id);
  sitting.takeBack(entry.id);
  lent.putBack(...unsay(entry.id));
  const at = history.findLastIndex((one) => one.work.id === entry.id);
  if (at >= 0) history.splice(at, 1);
  showLast();
  head.showCounts();
  desk.toast(status === 404 ? "An item is not there any more: its film or analysis was deleted." : sentence, "warning");
});

/** The server heard everything: what it did not end of those that were passed by, it asks about again. */
function askWhatStayed() {
  if (outbox.entries.some(({ did }) => did === "decide")) return;
  for (const { id } of passed) if (!ended.has(id)) lent.forget(id);
  passed = passed.filter(({ id }) => ended.has(id));
}

/** How many wait, as it will be once everything is said. */
function leftNow() {
  const moves = { decide: -1, skip: 0, undo: 1 };
  return Math.max(outbox.entries.reduce((sum, { did }) => sum + moves[did], left), 0);
}

// --- what is seen --------------------------------------------------------------------------------

function look({ shape, label }) {
  const about = now?.item.boxes.find(({ id }) => id === shape.prediction);
  if (!about) return { line: { thick: true } };
  return {
    words: shape.label === about.label ? `${label.name} ${about.confidence.toFixed(2)}` : label.name,
    isLoud: about.is_matched && !about.is_judged,
    line: { dashed: isWeak(about, shape), thick: about.is_matched },
  };
}

/** Boxes of the person whose answer is looked at. */
function theirs() {
  const other = now?.item.others[now.other];
  return (other?.boxes ?? []).map(({ label, box }) => ({ box, words: `${desk.label(label).name}, ${other.name}` }));
}

function tellOnStage(sentence, { isBack = false } = {}) {
  $("says").querySelector("[data-words]").textContent = sentence;
  $("says").hidden = !sentence;
  $("back").hidden = !isBack;
}

function showReady(isReady) {
  $("work").dataset.item = isReady ? String(now.id) : ""; // for tests and the bench: what can be decided
  $("work").classList.toggle("is-empty", !now);
  for (const button of document.querySelectorAll("[data-decides]")) {
    const needsPicture = ["accept", "reject"].includes(button.dataset.do);
    const may = button.dataset.do === "skip" ? now : isReady && !(needsPicture && desk.problem);
    button.setAttribute("aria-disabled", String(!may));
  }
}

function brighten(by) {
  desk.ui.set({ brightness: Math.min(Math.max(Math.round((desk.ui.get().brightness + by) * 10) / 10, 0.3), 3) });
}

// --- the session is over, or another one ---------------------------------------------------------

function showDoor() {
  isOut = true;
  $("door").hidden = false;
}
function leaveDoor() {
  isOut = false;
  $("door").hidden = outbox.state !== "signed-out";
}
function comeBack() {
  if (outbox.state === "signed-out") outbox.hurry();
  if (isOut) goOn();
}
outbox.addEventListener("changed", () => ($("door").hidden = !isOut && outbox.state !== "signed-out"));
$("door").querySelector("[data-again]").addEventListener("click", comeBack);
for (const event of ["focus", "pageshow"]) addEventListener(event, comeBack);

// Others may have what was not decided. What is still to be sent stays this person's.
addEventListener("pagehide", () => {
  if (data.urls.hand_back && !outbox.count) post(data.urls.hand_back).catch(() => {});
});
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

// --- the person's hands --------------------------------------------------------------------------

createLabels({ desk, acts });
createSide({ desk, acts, work });
const head = createHead({ desk, outbox, sitting, left: leftNow, work });
wireKeys({ desk, bindings, acts, shapes, stage: stageElement, held, escape, isOnce: true });

function escape() {
  if (pointer.cancel()) return;
  desk.ui.set({ tool: "select" });
  desk.session.select(null);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("#work button");
  if (!button) return;
  const { do: act, scope } = button.dataset;
  if (scope) acts.scope(scope);
  else if (act && button.getAttribute("aria-disabled") !== "true") acts[act]();
  // Keys go on working where the hand was: on the picture.
  if (event.detail > 0) stageElement.focus({ preventScroll: true });
});

/** Where nothing has the focus, keys are for the picture. */
function keepFocus() {
  if (!document.activeElement || document.activeElement === document.body) stageElement.focus({ preventScroll: true });
}

/** For who listens instead of looking: what was taken up. */
desk.on(["select"], () => {
  const { selected } = desk.session;
  const box = selected && desk.boxOf(selected);
  if (!box) return;
  const about = now?.item.boxes.find(({ id }) => id === desk.selected.prediction);
  desk.say([desk.name(selected), about ? about.confidence.toFixed(2) : "added"].join(", "));
  view.reveal(box);
});
desk.on(["change"], showLast);
desk.on(["scope"], () => (usual = now.scope));
desk.ui.on(["tool", "boxes"], ({ tool, boxes }) => {
  document.querySelector(".work-bar [data-do=draw]").setAttribute("aria-pressed", String(tool === "draw"));
  document.querySelector(".work-bar [data-do=boxes]").setAttribute("aria-pressed", String(boxes));
});
view.addEventListener("move", () => {
  $("zoom-words").textContent = `${Math.round(view.zoom * 100)} %`;
  document.querySelector(".work-bar [data-do=enlarge]").setAttribute("aria-pressed", String(view.zoom > 1.01));
});

outbox.hurry();
goOn();
document.documentElement.dataset.ready = "yes";
