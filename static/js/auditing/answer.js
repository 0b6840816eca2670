// The page that asks whether a brand is in a frame, or begins to be seen in a stretch of film: one
// after the other, brand after brand.
import { clock } from "../common/clock.js";
import { Outbox, keptAs } from "../common/outbox.js";
import { drawBoxes } from "../common/overlay.js";
import { Refusal, SignedOut } from "../common/post.js";
import { keyOf } from "../keys.js";
import { createClip } from "./clip.js";
import { createFrames } from "./frames.js";
import { sender } from "./sending.js";

const TOO_FAST_MS = 150; // a key that is pressed twice does not answer for a frame nobody saw
const AGAIN_MS = 2000;
const LARGER = 3;

const data = JSON.parse(document.getElementById("audit-data").textContent);
const keyFor = ({ label, what }) => `${label}.${what}`;
const asked = new Map(data.brands.map((brand) => [keyFor({ ...brand, label: brand.id }), brand]));
const labels = new Map(data.brands.map((brand) => [brand.id, brand]));
const open = [...asked].filter(([, { done, of }]) => done < of).map(([key]) => key); // in the order they come
const $ = (id) => document.getElementById(id);
const [stage, place, canvas, says] = [$("stage"), $("frame"), $("boxes"), $("says")];
const buttons = [...document.querySelectorAll("[data-answer]")];
const history = []; // frames that were answered here, the last one last
let now = null; // the frame that is shown
let since = 0; // when it came into sight; 0 while it has not
let turn = 0; // what was waited for before an answer was taken back does not come in its place
let again = 0;

const outbox = new Outbox(sender(data.urls), keptAs(data.kept));
const clip = createClip({ url: data.film, duration: data.duration, place, stage, bar: $("stretch") });
const frames = createFrames({ urls: data.urls, isPending: (id) => outbox.has(id) });
const tell = (text, kind = "info") => dispatchEvent(new CustomEvent("sightline:tell", { detail: { text, kind } }));

// --- from frame to frame -------------------------------------------------------------------------

/** The next frame; where none is left for this person, the result. */
async function goOn() {
  const mine = (turn += 1);
  clearTimeout(again);
  now = null;
  try {
    let frame = await frames.next();
    if (!frame && mine === turn && outbox.count) {
      say("The last answers are being sent…");
      await outbox.empty();
      frame = mine === turn ? await frames.next() : null;
    }
    if (mine !== turn) return frame && frames.putBack(frame);
    if (frame) await show(frame);
    else end();
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Refusal) return say(error.status === 404 ? "This analysis is not there any more: it was deleted." : error.message);
    if (error instanceof SignedOut) return say("You are signed out. Reload the page to sign in again; your answers are kept.");
    say("The server cannot be reached. This goes on by itself when it can.");
    again = setTimeout(goOn, AGAIN_MS);
  }
}

async function show(frame) {
  now = frame;
  since = 0;
  for (const button of buttons) button.disabled = true;
  fit();
  hideBoxes();
  ask(frame);
  place.querySelector("img")?.remove();
  const isFilm = frame.what === "times";
  if (!isFilm) clip.hide();
  const late = setTimeout(() => say(isFilm ? "The film is being fetched…" : "The picture is being cut out…"), 200);
  try {
    if (isFilm) await clip.show({ start: frame.time_s, end: frame.end_s, ...asked.get(keyFor(frame)).around });
    const image = await frame.image;
    if (now !== frame) return;
    if (image) {
      place.prepend(image);
      image.alt = `Frame at ${clock(frame.time_s, 2)}`;
    }
    say("");
    since = performance.now();
    for (const button of buttons) button.disabled = false;
  } catch (error) {
    if (now !== frame) return;
    say(`${error.message || "This frame cannot be shown."} Say that you cannot tell.`);
    since = performance.now();
    for (const button of buttons) button.disabled = button.dataset.answer !== "unsure";
  } finally {
    clearTimeout(late);
  }
}

function ask(frame) {
  const brand = asked.get(keyFor(frame));
  if ($("question").dataset.label !== keyFor(frame)) {
    $("question").dataset.label = keyFor(frame);
    pose(brand, frame.what === "times");
    $("ask").style.setProperty("--c", brand.colour);
    $("logos").replaceChildren(...brand.pictures.map(logo));
  }
  $("at").textContent = frame.end_s === null ? clock(frame.time_s, 2) : `${clock(frame.time_s)} to ${clock(frame.end_s)}`;
  $("at").hidden = false;
  count();
}

/** What is asked of this brand, in words, and the buttons that go with it. */
function pose(brand, isFilm) {
  const name = Object.assign(document.createElement("b"), { textContent: brand.name });
  $("question").replaceChildren(...(isFilm ? ["Does ", name, " come into view in the marked stretch?"] : ["Is ", name, " in this picture?"]));
  $("rule").hidden = !isFilm;
  $("rule").textContent = isFilm ? `An exposure is ${brand.rule}. Where it was in view already it does not begin here.` : "";
  for (const button of buttons) button.firstChild.textContent = `${button.dataset[isFilm ? "film" : "frame"]} `;
  $("show-boxes").hidden = isFilm;
  $("play").hidden = !isFilm;
}

function logo({ url, name }) {
  const row = document.createElement("li");
  const image = document.createElement("img");
  Object.assign(image, { src: url, alt: name });
  row.className = "checker";
  row.append(image);
  return row;
}

/** How far this brand is: what the server knows, and what is on its way there. */
function count() {
  const brand = now && asked.get(keyFor(now));
  if (!brand) return;
  const pending = outbox.entries.filter((entry) => keyFor(entry) === keyFor(now)).reduce((sum, entry) => sum + (entry.answer ? 1 : -1), 0);
  const done = Math.max(Math.min(brand.done + pending, brand.of), 0);
  const at = open.indexOf(keyFor(now)) + 1;
  $("count").textContent = `${done} of ${brand.of}${at && open.length > 1 ? `, part ${at} of ${open.length}` : ""}`;
  $("progress").max = brand.of || 1;
  $("progress").value = done;
}

function say(sentence) {
  says.textContent = sentence;
  says.hidden = !sentence;
}

/** Nothing is left for this person: others have the rest, or there is a result. */
function end() {
  const { left, elsewhere } = frames.standing;
  if (!left) return location.assign(`${data.urls.done}#result`);
  if (left > elsewhere) return location.reload(); // taken back in another window
  for (const button of buttons) button.disabled = true;
  place.querySelector("img")?.remove();
  clip.hide();
  say(`${left === 1 ? "The last frame is" : `The last ${left} frames are`} with somebody else. They come here if they are not answered within five minutes.`);
  again = setTimeout(goOn, 10_000);
}

// --- answering ----------------------------------------------------------------------------------

function answer(word) {
  const passed = performance.now() - since;
  const button = buttons.find((one) => one.dataset.answer === word);
  if (!now || !since || passed < TOO_FAST_MS || button.disabled) return;
  outbox.add({ id: now.id, label: now.label, what: now.what, answer: word, seconds: Math.round(passed) / 1000 });
  history.push(now);
  $("undo").disabled = false;
  goOn();
}

function undo() {
  const last = history.pop();
  $("undo").disabled = history.length === 0;
  if (!last) return;
  outbox.takeBack({ id: last.id, label: last.label, what: last.what, answer: "", seconds: 0 });
  frames.putBack(last, ...(now ? [now] : []));
  goOn();
}

outbox.addEventListener("answered", ({ detail: { answer: row } }) => {
  const brand = asked.get(keyFor(row));
  Object.assign(brand ?? {}, { done: row.done, of: row.of });
  if (row.reading && row.answer) {
    const { seconds, low_s: low, high_s: high } = row.reading;
    tell(`${brand.name}: ${clock(seconds)} (${clock(low)} to ${clock(high)})`);
  }
  count();
});
outbox.addEventListener("refused", ({ detail: { entry, sentence, status } }) => {
  frames.forget(entry.id);
  tell(status === 404 ? "This frame is not asked about any more: the brand or the film was deleted." : sentence, "warning");
});
outbox.addEventListener("changed", () => {
  const { state, count: n } = outbox;
  const answers = n === 1 ? "1 answer is" : `${n} answers are`;
  const words = {
    offline: `No connection: ${answers} kept here and sent when it is back`,
    "signed-out": `You are signed out: ${answers} kept here. Sign in in another tab`,
  };
  $("kept").hidden = !words[state];
  $("kept").querySelector("[data-words]").textContent = words[state] ?? "";
});

// --- looking closer -----------------------------------------------------------------------------

function fit() {
  stage.classList.remove("is-large");
  place.style.removeProperty("--zoom");
  $("enlarge").setAttribute("aria-pressed", "false");
}

/** Larger, with the point that was clicked where it was; `at`: fractions of the picture. */
function enlarge(at = [0.5, 0.5]) {
  if (stage.classList.contains("is-large")) return redraw(fit);
  stage.classList.add("is-large");
  place.style.setProperty("--zoom", LARGER);
  $("enlarge").setAttribute("aria-pressed", "true");
  stage.scrollLeft = at[0] * place.clientWidth - stage.clientWidth / 2;
  stage.scrollTop = at[1] * place.clientHeight - stage.clientHeight / 2;
  return redraw(() => {});
}
function redraw(change) {
  change();
  if (!canvas.hidden) draw();
}

stage.addEventListener("click", ({ clientX, clientY }) => {
  const lies = place.getBoundingClientRect();
  enlarge([(clientX - lies.left) / lies.width, (clientY - lies.top) / lies.height]);
});

let found = []; // boxes of the frame that is shown

function hideBoxes() {
  canvas.hidden = true;
  found = [];
  $("show-boxes").setAttribute("aria-pressed", "false");
}

/** What the detector found of this brand; weak: less sure than what counts. */
async function showBoxes() {
  if (!canvas.hidden) return hideBoxes();
  const frame = now;
  if (!frame?.image) return;
  const response = await fetch(`${data.urls.analysis}?t=${frame.time_s}`).catch(() => null);
  const analysis = response?.ok ? await response.json() : null;
  if (now !== frame) return;
  if (!analysis) return tell("What the detector found cannot be read just now.", "error");
  const brand = asked.get(keyFor(frame));
  found = analysis.CustomLabels.filter((one) => one.Name === brand.found_as).map((one) => boxOf(one, brand));
  canvas.hidden = false;
  $("show-boxes").setAttribute("aria-pressed", "true");
  draw();
  if (!found.length) tell(`The detector found nothing of ${brand.name} here.`);
}
function boxOf({ Confidence, Geometry: { BoundingBox: box } }, brand) {
  const confidence = Confidence / 100;
  return {
    label: brand.id,
    confidence,
    weak: confidence < brand.threshold,
    xyxy: [box.Left, box.Top, box.Left + box.Width, box.Top + box.Height],
  };
}
function draw() {
  drawBoxes(canvas, found, { size: data.size, labels });
}
addEventListener("resize", () => redraw(() => {}));

// --- keys and buttons ---------------------------------------------------------------------------

const keys = {
  y: () => answer("there"),
  n: () => answer("not_there"),
  u: () => answer("unsure"),
  z: undo,
  e: () => enlarge(),
  b: showBoxes,
  " ": () => now?.what === "times" && clip.toggle(),
  arrowleft: () => now?.what === "times" && clip.step(-1),
  arrowright: () => now?.what === "times" && clip.step(1),
};
document.addEventListener("keydown", (event) => {
  const act = !event.repeat && keys[keyOf(event).toLowerCase()];
  if (!act || (event.key === " " && event.target instanceof HTMLButtonElement)) return;
  event.preventDefault();
  act();
});
for (const button of buttons) button.addEventListener("click", () => answer(button.dataset.answer));
$("undo").addEventListener("click", undo);
$("enlarge").addEventListener("click", () => enlarge());
$("show-boxes").addEventListener("click", showBoxes);
$("play").addEventListener("click", () => clip.toggle());

outbox.hurry();
goOn();
