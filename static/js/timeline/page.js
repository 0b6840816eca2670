// The asset page: reads what the server put into it and brings its parts to life.
import { addressOf, keepAddress, readAddress } from "./address.js";
import { wireAsking } from "./asking.js";
import { wireComments } from "./comments.js";
import { createExposure } from "./exposure.js";
import { createFrameView } from "./frame-view.js";
import { boxesAt, createFrames } from "./frames-data.js";
import { wireKeys } from "./keys.js";
import { wireLaneKeys } from "./lane-keys.js";
import { createLanes } from "./lanes.js";
import { createMentions } from "./mentions.js";
import { createMinutes } from "./minutes.js";
import { openNamed, wireNamed } from "./named.js";
import { wireRangeCut } from "./range-cut.js";
import { drawBoxes } from "../common/overlay.js";
import { wireOutline } from "./outline.js";
import { createPlayer } from "./player.js";
import { wireSkipping } from "./skipping.js";
import { wireSpeakers } from "./speakers.js";
import { wireSpeech } from "./speech.js";
import { createSprites } from "./sprites.js";
import { createStore } from "../common/store.js";
import { wireTables } from "./tables.js";
import { wireTabs } from "./tabs.js";
import { createTiles } from "./tiles.js";
import { wireWritten } from "./written.js";
import { createZoom } from "./zoom.js";
import { followZoom } from "./zoomed-lanes.js";
import { tell } from "./posting.js";

/**
 * @typedef {object} State
 * @property {number|null} threshold   one confidence for all labels; null: each label's own
 * @property {string} method
 * @property {number[]} off            labels left out
 * @property {[number, number]|null} window  the chosen range, in seconds
 * @property {number|null} open        the label whose episodes are shown
 * @property {[number, number]} shown  what the timeline shows, in seconds
 * @property {number} time             the playhead, in seconds
 * @property {number} pictureTime      when the picture on screen belongs, in seconds
 * @property {number} settled          the last place the person stopped at
 * @property {boolean} boxes
 * @property {boolean} weak
 * @property {object|null} figures     the server's latest answer
 * @property {Record<number, {start: number[], end: number[], text: string[]}>|null} said
 * @property {Record<number, {start: number[], end: number[], text: string[]}>|null} written
 * @property {?import("./speakers.js").Turns} turns
 * @property {import("./transcript-lines.js").Line[]} lines  what is said, as far as it is fetched
 * @property {{topics: object, standouts: object, speech: number[][]}|null} outline
 * @property {{id: number, start: number, end: number|null, open: boolean, said: string}[]} comments
 * @property {object[]} segments
 * @property {number[]} shots
 *
 * @typedef {{get(): State, set(patch: Partial<State>): void,
 *   on(keys: (keyof State)[], listen: (state: State) => void): void}} Store
 */

const PREFETCH_S = 10;
const json = (id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");

const data = json("asset-data");
const { run } = data;
const firstView = json("first-view");
const address = readAddress(data.duration);
const labels = new Map((run?.labels ?? []).map((label) => [label.id, label]));
const named = new Map([...labels, ...(run?.others ?? []).map((label) => [label.id, label])]);

const store = createStore({
  ...address,
  method: address.method || "one-second",
  duration: data.duration,
  shown: [0, data.duration || 1],
  time: address.settled,
  pictureTime: address.settled,
  draft: null,
  boxes: recall("boxes", true),
  weak: recall("weak", false),
  figures: firstView,
  lanes: firstView?.lanes ?? null,
  said: null,
  turns: null,
  lines: [],
  outline: null,
  written: null,
  comments: [],
  segments: run?.segments ?? [],
  shots: run?.shots ?? [],
  plotWidth: 0,
});

const redraw = [];
const sprites = createSprites({ strip: data.strip, onLoad: () => redraw.forEach((draw) => draw()) });
const player = createPlayer({ data, store, sprites });
wireSpeech({ player, store, labels: named });
const outline = wireOutline({ player, store });
if (outline) wireSkipping({ player, store, outline });
wireWritten({ player, store });
const asking = wireAsking({ store, player, data });
startWhereLinked();
wireMomentLinks();
if (run) {
  wireRun();
} else {
  wireWithoutRun();
}

/** Sound, which is never looked at, or a film before its first analysis. */
function wireWithoutRun() {
  const openTab = wireTabs(document.getElementById("side-tabs"));
  const open = (label) => {
    const tab = document.getElementById("named")?.closest("[role=tabpanel]").getAttribute("aria-labelledby");
    if (tab) openTab(tab);
    openNamed(named.get(label).name);
  };
  const timeline = document.getElementById("timeline") ? wireTimeline({ frames: null, openFrame: player.seek, open }) : null;
  wireNamed({ store, player, lanes: timeline?.lanes, labels: named });
  openWanted(openTab);
  if (timeline) wireSpeakers({ player, store, openTab });
  wireComments({ player, store, openTab });
  wireKeys({ store, player, zoom: timeline?.zoom, labels: named, frames: null, openFrame: () => {}, asking, data });
  if (timeline) keepAddress(store, store.get().method);
}

/** The transcript, where the address asks for it: who corrected a speaker comes back to the speakers. */
function openWanted(openTab) {
  if (location.hash === "#transcript" && document.getElementById("tab-transcript")) openTab("tab-transcript");
}

function wireRun() {
  const frames = createFrames({ run, store, onLoad: () => redraw.forEach((draw) => draw()) });
  const frameView = createFrameView({ run, store, player, frames, labels, refresh: () => exposure.refresh() });
  const openFrame = (time, options) => frameView.open(time ?? store.get().pictureTime, options);
  const drawMissed = () => openFrame(undefined, { isDrawing: true });
  const exposure = createExposure({ run, store, player, ownThresholds: run.labels.map((l) => l.threshold) });
  const tiles = createTiles({ store, frames, sprites, labels, openFrame });
  const open = (label) => store.set({ open: store.get().open === label ? null : label });
  const zoom = data.kind === "video" ? wireTimeline({ frames, openFrame, open }).zoom : null;
  if (zoom) {
    followZoom({ run, store, defaultMethod: exposure.defaultMethod });
    createMinutes({ store, player, labels });
  }
  wireOverlay(frames);
  wireToggles(openFrame);
  document.getElementById("exposure").addEventListener("click", (event) => {
    const doubt = event.target.closest("[data-frame]");
    if (doubt) openFrame(Number(doubt.dataset.frame));
  });
  const openTab = wireTabs(document.getElementById("side-tabs"), (id) => {
    if (id === "tab-frames") tiles.openAt(store.get().time);
  });
  openWanted(openTab);
  wireSpeakers({ player, store, openTab });
  wireComments({ player, store, openTab });
  wireKeys({ store, player, zoom, labels, frames, openFrame: () => openFrame(), drawMissed, asking, data });
  document.getElementById("draw-missed")?.addEventListener("click", drawMissed);
  if (new URLSearchParams(location.search).has("frame")) openFrame(address.settled); // a report leads to a frame
  wireTables({ run, store, defaultMethod: exposure.defaultMethod });
  keepAddress(store, exposure.defaultMethod);
  createMentions({ run, store, player });
  redraw.push(tiles.paint);
  const moving = ["run-progress", "run-over", "words-edited", "mentions-denied", "speech-renewed", "written-renewed"];
  for (const event of moving) document.body.addEventListener(event, exposure.refresh);
}

function wireTimeline({ frames, openFrame, open }) {
  const lanes = createLanes({ data, store, sprites, frames, labels: named });
  store.set({ plotWidth: lanes.canvas.clientWidth });
  new ResizeObserver(() => store.set({ plotWidth: lanes.canvas.clientWidth })).observe(lanes.canvas);
  const zoom = createZoom({ store, player, lanes, sprites, openFrame });
  wireLaneKeys({ lanes, store, player, zoom, open });
  wireRangeCut({ store, asset: data.asset });
  redraw.push(lanes.draw);
  return { lanes, zoom };
}

/** The boxes of the picture on screen, drawn in the callback that reports the picture. */
function wireOverlay(frames) {
  const canvas = document.getElementById("boxes");
  const draw = () => {
    const state = store.get();
    const here = state.boxes ? frames.frameAt(state.pictureTime) : null;
    const found = here ? boxesAt(here.frames, here.at, state.pictureTime, state) : [];
    drawBoxes(canvas, found.filter((box) => state.weak || !box.weak), { size: player.size(), labels });
    const ahead = frames.segmentIndex(state.pictureTime + PREFETCH_S);
    if (state.boxes) frames.load(ahead);
  };
  store.on(["pictureTime", "figures", "off", "boxes", "weak", "segments"], draw);
  new ResizeObserver(draw).observe(canvas);
  player.media.addEventListener("loadedmetadata", draw);
  redraw.push(draw);
  draw();
}

function wireToggles(openFrame) {
  for (const [id, key] of [["show-boxes", "boxes"], ["show-weak", "weak"]]) {
    const button = document.getElementById(id);
    button.addEventListener("click", () => store.set({ [key]: !store.get()[key] }));
    const show = (state) => {
      button.setAttribute("aria-pressed", String(state[key]));
      localStorage.setItem(`sightline.${key}`, String(state[key]));
    };
    store.on([key], show);
    show(store.get());
  }
  document.getElementById("open-frame").addEventListener("click", () => openFrame());
}

/** A moment that was looked for plays; a browser that lets nothing play by itself stands at it. */
function startWhereLinked() {
  if (address.settled > 0) player.seek(address.settled);
  if (location.hash !== "#play") return;
  history.replaceState(history.state, "", location.pathname + location.search); // once, not at each reload
  player.toggle();
}

/** Links to this moment, as they are asked for: the header may be replaced under us. */
function wireMomentLinks() {
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-moment-link]");
    if (link) link.href = `${link.href.split("?")[0]}?t=${store.get().time.toFixed(3)}`;
    const kept = event.target.closest("[data-keeps-choices]");
    if (kept) kept.search = location.search; // method, confidence, brands and range go along
    if (!event.target.closest("[data-copy-moment]")) return;
    const url = new URL(addressOf({ ...store.get(), settled: store.get().time }, "one-second"), location.href);
    await navigator.clipboard.writeText(url.href).then(
      () => tell("Link to this moment copied", "info"),
      () => tell(`Copying is not allowed here. The link: ${url.href}`, "info"),
    );
  });
}

function recall(key, fallback) {
  const kept = localStorage.getItem(`sightline.${key}`);
  return kept === null ? fallback : kept === "true";
}
