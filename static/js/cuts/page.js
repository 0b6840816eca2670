// The page of a cut: the preview, the keys, and the order by dragging.
import { clock } from "../common/clock.js";
import { keyOf } from "../keys.js";
import { createReel } from "./reel.js";

const byId = (id) => document.getElementById(id);
const list = () => byId("cut-clips");
const rowOf = (id) => list().querySelector(`[data-clip="${id}"]`);
const play = byId("cut-play");
const seek = byId("cut-seek");
const card = byId("sound-card");
const note = byId("cut-note");
let shown = null;

const reel = createReel({
  media: [...document.querySelectorAll("#cut-stage video")],
  onProblem(text) {
    note.textContent = text;
    note.hidden = !text;
  },
  onChange({ time, index, isPlaying, sequence }) {
    const clip = sequence.clips[index];
    byId("cut-time").textContent = clock(time);
    if (document.activeElement !== seek || isPlaying) seek.value = time;
    seek.setAttribute("aria-valuetext", `${clock(time)} of ${clock(sequence.length)}`);
    play.setAttribute("aria-pressed", String(isPlaying));
    play.querySelector("span").textContent = isPlaying ? "Pause" : "Play";
    byId("cut-stage").classList.toggle("playing", isPlaying);
    if (clip?.id !== shown) mark(clip, index, sequence);
  },
});

/** Say which clip is on, in the list and below the picture. */
function mark(clip, index, sequence) {
  shown = clip?.id ?? null;
  for (const row of list().querySelectorAll(".cut-clip")) {
    if (clip && row.dataset.clip === String(clip.id)) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  byId("cut-now").textContent = clip ? `${index + 1} of ${sequence.clips.length}: ${clip.title}` : "";
  card.hidden = clip?.kind !== "audio";
  card.querySelector("span").textContent = clip?.title ?? "";
}

/** After the list was drawn: play what is in it now. */
function read() {
  const clips = JSON.parse(byId("cut-data").textContent);
  const length = clips.reduce((sum, clip) => sum + clip.end - clip.start, 0);
  seek.max = length;
  byId("cut-length").textContent = clock(length);
  play.disabled = !clips.length;
  shown = null;
  reel.load(clips);
}

let sending = Promise.resolve();

/** Changes are sent one after the other: of those that wait, htmx would keep but the last.
 * `values` are asked for when it is their turn, as the list may be another by then. */
function send(id, what, values = () => ({})) {
  const sent = sending.then(() =>
    window.htmx.ajax("POST", `/cut-clips/${id}/${what}`, { target: "#cut-clips", swap: "outerHTML", values: values() }));
  sending = sent.catch(() => {});
  return sent;
}

/** The clip that a key is about: the one with the focus in it, else the one that is on. */
function meant() {
  const row = document.activeElement?.closest?.(".cut-clip");
  return row ? Number(row.dataset.clip) : reel.current()?.id;
}

function setHere(border) {
  const clip = reel.current();
  if (!clip) return;
  const here = { [`${border}_s`]: reel.source().toFixed(4) };
  send(clip.id, "edit", () => here);
}

function move(by) {
  const id = meant();
  if (!id) return;
  const beside = () => ({ place: Math.max(Number(rowOf(id)?.dataset.place ?? 0) + by, 0) });
  send(id, "edit", beside).then(() => byId(`play-${id}`)?.focus());
}

const actions = {
  " ": reel.toggle,
  j: () => reel.step(1),
  k: () => reel.step(-1),
  ",": () => reel.frame(-1),
  ".": () => reel.frame(1),
  i: () => setHere("start"),
  o: () => setHere("end"),
  Delete: () => meant() && send(meant(), "remove"),
};
const mayEdit = Boolean(document.querySelector(".clip-form"));
const editing = new Set(["i", "o", "Delete"]);

document.addEventListener("keydown", (event) => {
  if (event.altKey && ["ArrowUp", "ArrowDown"].includes(event.key) && mayEdit) {
    event.preventDefault();
    return move(event.key === "ArrowUp" ? -1 : 1);
  }
  const key = keyOf(event);
  const isButton = key === " " && event.target.closest?.("button, a, summary, input");
  if (!actions[key] || isButton || (editing.has(key) && !mayEdit)) return;
  event.preventDefault();
  actions[key]();
});

play.addEventListener("click", reel.toggle);
byId("cut-before").addEventListener("click", () => reel.step(-1));
byId("cut-next").addEventListener("click", () => reel.step(1));
byId("cut-stage").addEventListener("click", reel.toggle);
seek.addEventListener("input", () => reel.seek(Number(seek.value)));
document.addEventListener("click", (event) => {
  const thumb = event.target.closest("[data-play]");
  if (thumb) {
    reel.goTo(Number(thumb.dataset.play));
    reel.play();
  }
  const here = event.target.closest("[data-here]");
  if (here) {
    const row = here.closest(".cut-clip");
    if (reel.current()?.id === Number(row.dataset.clip)) setHere(here.dataset.here);
    else reel.goTo(Number(row.dataset.clip));
  }
});
document.body.addEventListener("htmx:afterSwap", (event) => {
  if (byId("cut-data") && event.detail.target.id === "cut-clips") read();
});

// --- the order by dragging ------------------------------------------------------------------

let dragged = null;
document.addEventListener("dragstart", (event) => {
  const row = event.target.closest?.(".grip")?.closest(".cut-clip");
  if (!row) return;
  dragged = row;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", row.dataset.clip);
  event.dataTransfer.setDragImage(row, 8, 8);
  row.classList.add("is-dragged");
});
document.addEventListener("dragover", (event) => {
  const over = dragged && event.target.closest?.(".cut-clip");
  if (!over) return;
  event.preventDefault();
  if (over === dragged) return;
  const { top, height } = over.getBoundingClientRect();
  if (event.clientY < top + height / 2) over.before(dragged);
  else over.after(dragged);
});
document.addEventListener("dragend", () => {
  if (!dragged) return;
  dragged.classList.remove("is-dragged");
  const place = [...list().querySelectorAll(".cut-clip")].indexOf(dragged);
  if (place !== Number(dragged.dataset.place)) send(dragged.dataset.clip, "edit", () => ({ place }));
  dragged = null;
});

read();
