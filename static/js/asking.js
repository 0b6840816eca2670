// Asking by a picture, a sound or aloud: chosen, dropped, pasted or spoken; what comes back stands
// beside the field and is searched by. Why a moment answers, and whether it is right, by keyboard.
import { onChosen } from "./choosing.js";
import { onDrop } from "./dropping.js";
import { keyOf } from "./keys.js";

const LONGEST_S = 60;
const tools = document.querySelector("[data-asking]");
const form = document.getElementById("search-form");
const said = document.querySelector("[data-said]");
const speak = tools.querySelector("[data-speak]");
const token = () => decodeURIComponent(document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "");

tools.hidden = false;

// --- files -----------------------------------------------------------------------------------

/** Send a file, and search by it. */
async function ask(kind, file) {
  tell("Sending…");
  const body = new FormData();
  body.set("kind", kind);
  body.set("file", file, file.name || (kind === "picture" ? "pasted.png" : "spoken.webm"));
  const headers = { "x-csrftoken": token(), accept: "application/json" };
  const answer = await fetch("/api/v1/asks/", { method: "POST", body, headers }).catch(() => null);
  if (!answer) return tell("There is no connection. Try again.");
  const row = await answer.json().catch(() => ({}));
  if (!answer.ok) return tell(sentence(row));
  tell("");
  const wanted = document.createElement("input");
  Object.assign(wanted, { type: "hidden", name: "ask", value: row.id });
  document.getElementById("asks").append(wanted);
  form.requestSubmit();
}

const sentence = (problem) =>
  Object.values(problem.errors ?? {}).flat()[0] ?? problem.detail ?? "That did not work. Try again.";

function tell(words) {
  said.textContent = words;
}

const kindOf = (file) => {
  if (file.type.startsWith("image/")) return "picture";
  return file.type.startsWith("audio/") || file.type.startsWith("video/") ? "sound" : "";
};

function take(files) {
  const file = files.find((one) => kindOf(one));
  if (!file) return tell("Drop a picture or a sound to search by it.");
  return ask(kindOf(file), file);
}

for (const input of tools.querySelectorAll("[data-file]")) {
  onChosen(input, () => {
    ask(input.dataset.file, input.files[0]);
    input.value = "";
  });
}
for (const button of tools.querySelectorAll("[data-ask]")) {
  button.addEventListener("click", () => tools.querySelector(`[data-file=${button.dataset.ask}]`).click());
}
onDrop(document.querySelector(".overlay.drop-here"), (found) => take(found.map(([file]) => file)));
addEventListener("paste", (event) => {
  const file = [...(event.clipboardData?.files ?? [])].find((one) => one.type.startsWith("image/"));
  if (!file) return;
  event.preventDefault();
  ask("picture", file);
});

// --- speaking --------------------------------------------------------------------------------

let recorder = null;
let isOpening = false; // pressed twice meanwhile, a first microphone would never be closed

async function listen() {
  if (recorder) return recorder.stop();
  if (!navigator.mediaDevices || !window.MediaRecorder) {
    return tell("A browser listens only to pages at https:// or on this very machine. Type, or send a sound.");
  }
  if (isOpening) return;
  isOpening = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (problem) {
    return tell(refusal(problem));
  } finally {
    isOpening = false;
  }
  const parts = [];
  const began = Date.now();
  recorder = new MediaRecorder(stream);
  recorder.addEventListener("dataavailable", (event) => parts.push(event.data));
  const clock = setInterval(() => {
    const seconds = Math.floor((Date.now() - began) / 1000);
    show(`Stop · ${seconds} s`);
    if (seconds >= LONGEST_S - 1) recorder?.stop();
  }, 250);
  recorder.addEventListener("stop", () => {
    clearInterval(clock);
    for (const track of stream.getTracks()) track.stop();
    const sound = new Blob(parts, { type: recorder.mimeType });
    recorder = null;
    show("Speak");
    ask("speech", sound);
  });
  recorder.start();
  tell("Listening. Press Speak again to end.");
  show("Stop · 0 s");
}

function refusal(problem) {
  if (problem.name === "NotAllowedError") {
    return "The microphone is not allowed here. Allow it beside the address of this page, or type.";
  }
  if (problem.name === "NotFoundError") return "No microphone was found. Plug one in, or type.";
  return "The microphone cannot be used just now: another program may have it.";
}

function show(words) {
  speak.querySelector("[data-word]").textContent = words;
  speak.setAttribute("aria-pressed", String(recorder !== null));
}

speak.addEventListener("click", listen);

// --- keys ------------------------------------------------------------------------------------

const rows = () => [...document.querySelectorAll("#found .moments > li")];
const here = () => document.activeElement?.closest("#found .moments > li");

function press(selector) {
  const target = here()?.querySelector(selector);
  target?.click();
  return Boolean(target);
}

const keys = {
  e: () => press(".why > summary"),
  y: () => press("[data-say=right]"),
  n: () => press("[data-say=wrong]"),
  u: () => document.querySelector("[data-take-back]")?.click() ?? true,
  p: () => tools.querySelector("[data-ask=picture]").click() ?? true,
  s: () => tools.querySelector("[data-ask=sound]").click() ?? true,
  m: () => listen() && true,
};

document.addEventListener("keydown", (event) => {
  const act = keys[keyOf(event)];
  if (act?.()) event.preventDefault();
});

// What is found anew takes the place of the list: whoever was in it stays at the same place.
let place = -1;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "found") place = rows().indexOf(here()); // not what it fetches beside it
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "found" || place < 0) return;
  const all = rows();
  all[Math.min(place, all.length - 1)]?.querySelector(".moment").focus();
});

document.addEventListener("click", async (event) => {
  const again = event.target.closest?.("[data-do]");
  if (!again) return;
  event.preventDefault();
  const headers = { "x-csrftoken": token(), accept: "application/json" };
  await fetch(`/api/v1/asks/${again.dataset.of}/${again.dataset.do}/`, { method: "POST", headers }).catch(() => null);
  form.requestSubmit();
});
