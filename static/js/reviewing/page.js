// The page on which a reviewer decides: item after item, each edited as on the labelling page and
// decided by one key.
import { clock } from "../common/clock.js";
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
import { boxesOf, inOrder, isWeak, said } from "./decision.js";
import { createAlike } from "./alike.js";
import { createDoor } from "./door.js";
import { createEditing } from "./editing.js";
import { createHead } from "./head.js";
import { answerInWords, answerOf, askedInWords, createHearing } from "./hearing.js";
import { bindings } from "./keys.js";
import { createPictures } from "./pictures.js";
import { sender } from "./sending.js";
import { createSide } from "./side.js";
import { Sitting } from "./sitting.js";
import { createWorks } from "./works.js";

const TOO_FAST_MS = 150; // a key that is pressed twice does not decide what nobody saw
const AGAIN_MS = 2000;
const ELSEWHERE_MS = 10_000;
const LATE_MS = 250;
const ZOOM = 1.3;

const data = JSON.parse(document.getElementById("review-data").textContent);
const $ = (id) => document.getElementById(id);
const history = []; // {work, words, isSkip}, the last one last
const sitting = new Sitting();
const outbox = new Outbox(sender(data.urls), keptAs(data.kept));
const { frames, lies } = createPictures();
const works = createWorks({ urls: data.urls, outbox, lies, came: () => now && fetchAhead() });
/** @type {import("./works.js").Work|null} */
let now = null;
let turn = 0; // what was waited for before a decision was taken back does not come in its place
let again = 0;
let late = 0;
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
const alike = createAlike({ desk, url: data.urls.alike, work });

const hearing = createHearing({ desk, work, accept: () => acts.accept(), back: () => stageElement.focus({ preventScroll: true }) });

/** What keys and buttons can ask for, by the names in keys.js. */
const acts = {
  ...editing,
  along: () => decideAlong(boxesOf(desk.session)),
  rejectAlong: () => decideAlong([]),
  ...hearing,
  accept: () => (now?.item.told ? decide([], { answer: answerOf(now) }) : decide(boxesOf(desk.session))),
  reject: () => decide([], { answer: now?.item.told ? { verdict: "wrong" } : null }),
  label: (id) => (now?.item.told ? choose(id) : editing.label(id)),
  draw: () => (now?.item.told ? desk.say("This is about words") : editing.draw()),
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

// --- from item to item ---------------------------------------------------------------------------

/** The next item. @param {string} before  what was just decided, for who listens */
async function goOn(before = "") {
  const mine = (turn += 1);
  clearTimeout(again);
  pointer.cancel();
  now = null;
  try {
    const next = (await works.next()) ?? (await lastOnes(mine));
    if (mine !== turn) return next && works.putBack(next);
    door.isOut = false;
    if (next) show(next, before);
    else end(before);
  } catch (error) {
    if (mine !== turn) return;
    clear();
    if (error instanceof Refusal) return tellOnStage(error.message, { isBack: true });
    if (error instanceof SignedOut) return (door.isOut = true);
    tellOnStage("The server cannot be reached. This goes on by itself when it can.");
    again = setTimeout(goOn, AGAIN_MS);
  }
}

/** None is here: once everything is said, the server knows best whether there is one. */
async function lastOnes(mine) {
  if (mine !== turn) return null;
  clear();
  if (outbox.count) tellOnStage("The last decisions are being sent…");
  await outbox.empty();
  if (mine !== turn) return null;
  works.askAgain();
  return works.next();
}

function show(next, before = "") {
  now = next;
  if (!now.opened && now.hasTracks) now.scope = usual;
  Object.assign(now, { opened: performance.now(), since: next.item.told?.source === "said" ? performance.now() : 0 });
  tellOnStage("");
  showReady(false);
  $("work").style.setProperty("--tall", next.item.height / next.item.width || 0.5625);
  desk.picture = frames.atHand(next.item.picture_url); // never the one before under these boxes
  desk.open(next.session);
  view.fit();
  const [about] = inOrder(next.item.boxes);
  desk.ui.set({ tool: "select", label: about?.label ?? next.item.label ?? desk.ui.get().label });
  fetchAhead();
  clearTimeout(late);
  late = setTimeout(() => now === next && !next.since && tellOnStage("The picture is being cut out…"), LATE_MS);
  if (now.since) showReady(true); // what is heard needs no picture
  showLast();
  desk.say([before, inWords(next)].filter(Boolean).join(". "));
  keepFocus();
}

/** The picture is there, or it is sure that it never will be. */
desk.on(["picture"], () => {
  if (!now || desk.session !== now.session) return;
  clearTimeout(late);
  now.since ||= performance.now();
  tellOnStage("");
  if (desk.problem) desk.say(`${desk.problem} Say that you cannot tell, or skip it`);
  showReady(true);
});

function fetchAhead() {
  frames.ahead(works.ahead);
  countAhead();
}

/** For tests and the bench: how many of the next pictures are here, without a gap. */
function countAhead() {
  const urls = works.ahead;
  const gap = urls.findIndex((url) => !frames.hasFile(url));
  $("work").dataset.ahead = String(gap < 0 ? urls.length : gap);
}
frames.addEventListener("loaded", countAhead);

/** Nothing is left for this person: others have the rest, or there is none. */
function end(before) {
  const { left, elsewhere } = works;
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
  hearing.stop();
  showReady(false);
  desk.clear(nothing());
}

function inWords({ item, project }) {
  const names = new Map(project.labels.map(({ id, name }) => [id, name]));
  const boxes = inOrder(item.boxes).map(({ label, confidence }) => `${names.get(label) ?? "a removed label"} ${confidence.toFixed(2)}`);
  if (item.told) return `${item.asset.name} at ${clock(item.time_s, 1)}. ${askedInWords(item, (id) => names.get(id) ?? "a removed label")}`;
  const why = item.because.map(({ words }) => words).join(". ");
  const where = item.asset.kind === "video" ? `${item.asset.name} at ${clock(item.time_s, 1)}` : item.asset.name;
  return `${where}. ${why ? `${why}. ` : ""}${boxes.length ? boxes.join(", ") : "Nothing was found"}`;
}

// --- deciding ------------------------------------------------------------------------------------

/** Whether somebody can have seen it, so that a key may decide. */
const isSeen = (since) => Boolean(now && since && performance.now() - since >= TOO_FAST_MS);

/** The same of those that look alike and are ticked. */
function decideAlong(boxes) {
  const { ticked } = alike;
  if (!ticked.length) return desk.say("Nothing that waits looks alike and is ticked");
  decide(boxes, { along: ticked });
}

function decide(boxes, { unsure = false, along = [], answer = null } = {}) {
  if (!isSeen(now?.since)) return;
  if (!desk.isHere && !unsure && now.item.told?.source !== "said") return desk.say("This picture cannot be shown: say that you cannot tell, or skip it");
  const seconds = Math.round(performance.now() - now.since) / 1000;
  outbox.add({ id: now.id, did: "decide", said: { boxes, unsure, scope: now.scope, seconds, alike: along, ...(answer && { answer }) } });
  sitting.add(now.id, seconds);
  works.take(now, along);
  if (!unsure) works.say(now, boxes);
  if (unsure) return leave("Cannot tell");
  const words = answer ? answerInWords(now, answer, nameOf) : said(now.item, boxes);
  leave(along.length ? `${words}, and ${along.length} alike` : words);
}

const nameOf = (id) => desk.label(id).name;

/** Of which brand the mention is, for Enter to say. */
function choose(id) {
  if (now.item.kind !== "mention") return desk.say("Words are of no brand: C corrects them");
  now.chosen = now.chosen === id ? null : id;
  desk.ui.set({ label: now.chosen ?? now.item.label });
  desk.say(answerInWords(now, answerOf(now), nameOf));
  desk.tell("heard");
}

function skip() {
  if (!isSeen(now?.opened)) return;
  outbox.add({ id: now.id, did: "skip" });
  leave("Skipped", { isSkip: true });
}

function leave(words, { isSkip = false } = {}) {
  hearing.stop();
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
  works.takeBack(last.work, now);
  showLast();
  head.showCounts();
  return goOn(`Taken back: ${last.words}`);
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

outbox.addEventListener("answered", () => head.showCounts());
outbox.addEventListener("refused", ({ detail: { entry, sentence, status } }) => {
  sitting.takeBack(entry.id);
  const at = history.findLastIndex((one) => one.work.id === entry.id);
  if (at >= 0) history.splice(at, 1);
  showLast();
  head.showCounts();
  desk.toast(status === 404 ? "An item is not there any more: its film or analysis was deleted." : sentence, "warning");
});

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
  const told = now?.item.told;
  if (told?.box) return [{ box: told.box, words: told.mention }];
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
    const needsPicture = ["accept", "reject"].includes(button.dataset.do) && now?.item.told?.source !== "said";
    const may = button.dataset.do === "skip" ? now : isReady && !(needsPicture && desk.problem);
    button.setAttribute("aria-disabled", String(!may));
  }
}

function brighten(by) {
  desk.ui.set({ brightness: Math.min(Math.max(Math.round((desk.ui.get().brightness + by) * 10) / 10, 0.3), 3) });
}

// --- coming and going ----------------------------------------------------------------------------

const door = createDoor({ outbox, goOn });

// Others may have what was not decided. What is still to be sent stays this person's.
addEventListener("pagehide", () => {
  if (data.urls.hand_back && !outbox.count) post(data.urls.hand_back).catch(() => {});
});
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

// --- the person's hands --------------------------------------------------------------------------

createLabels({ desk, acts });
Object.assign(acts, createSide({ desk, acts, work }));
const head = createHead({ desk, outbox, sitting, works, work });
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
