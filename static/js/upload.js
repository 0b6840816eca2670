// Uploads on the library page: chosen, dropped, in folders, two at a time, each in a row.
import { forget, fingerprint, Refused, Upload } from "./tus.js";
import { keyOf } from "./keys.js";

const AT_ONCE = 2;
const library = document.getElementById("library");
const panel = document.getElementById("uploads");
const list = panel.querySelector("ul");
const said = panel.querySelector("[data-said]");
const overlay = library.querySelector(".overlay");
const form = document.getElementById("upload-form");
const place = {
  uploads: library.dataset.uploads,
  workspace: library.dataset.workspace,
  collection: library.dataset.collection,
  token: form.querySelector("[name=csrfmiddlewaretoken]").value,
};
const queue = [];
const active = new Set();

// --- one row ------------------------------------------------------------------------------------
class Row {
  constructor(file) {
    this.file = file;
    this.samples = [];
    this.status = "waiting";
    this.item = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    this.item.querySelector(".name").textContent = this.item.querySelector(".name").title = file.name;
    this.bar = this.item.querySelector("progress");
    this.pauseButton = this.item.querySelector("[data-pause]");
    this.pauseButton.addEventListener("click", () => this.pauseOrGoOn());
    this.item.querySelector("[data-cancel]").addEventListener("click", () => this.cancel());
    this.upload = new Upload(file, place, {
      progress: (bytes) => this.progress(bytes),
      waiting: (seconds) => this.say(`The connection is lost. Trying again in ${seconds} s; what has arrived is kept.`),
    });
    this.say(`${size(file.size)} · waiting its turn`);
  }

  say(text, isBad = false) {
    const state = this.item.querySelector(".state");
    state.textContent = text;
    state.classList.toggle("bad", isBad);
  }

  progress(bytes) {
    if (this.status !== "sending") return;
    const now = performance.now();
    this.sent = bytes;
    this.bar.value = this.file.size ? bytes / this.file.size : 0;
    this.samples.push([now, bytes]);
    while (this.samples.length > 2 && now - this.samples[0][0] > 8000) this.samples.shift();
    const [since, before] = this.samples[0];
    const speed = now - since > 700 ? (bytes - before) / ((now - since) / 1000) : 0;
    if (bytes >= this.file.size) this.say(`${size(this.file.size)} sent · being checked`);
    else if (speed > 0) this.say(`${size(bytes)} of ${size(this.file.size)} · ${size(speed)}/s · ${about((this.file.size - bytes) / speed)} left`);
    else this.say(`${size(bytes)} of ${size(this.file.size)}`);
    showOverall();
  }

  async start() {
    this.status = "sending";
    this.samples = [];
    this.pauseButton.textContent = "Pause";
    this.bar.classList.remove("paused");
    try {
      const done = await this.upload.run();
      if (done) this.arrive(done);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.fail(error);
    }
  }

  arrive({ asset, isDuplicate }) {
    this.status = "arrived";
    said.textContent = `${this.file.name} ${isDuplicate ? "was already in your library" : "is uploaded"}.`;
    const url = library.dataset.status.replace("/0/", `/${asset}/`) + (isDuplicate ? "&was=there" : "");
    document.getElementById(`arrived-${asset}`)?.remove(); // the same bytes, dropped twice
    htmx.ajax("GET", url, { target: this.item, swap: "outerHTML" });
    refreshSoon();
  }

  fail(error) {
    this.status = error.canResume ? "paused" : "failed";
    this.say(error.message, true);
    said.textContent = error.message;
    this.bar.hidden = !error.canResume;
    this.pauseButton.hidden = !error.canResume;
    this.pauseButton.textContent = "Go on";
    this.item.querySelector("[data-cancel]").textContent = error.canResume ? "Cancel" : "Dismiss";
  }

  pauseOrGoOn() {
    if (this.status === "sending" || this.status === "waiting") {
      this.status = "paused";
      this.upload.pause();
      remove(queue, this);
      this.pauseButton.textContent = "Go on";
      this.bar.classList.add("paused");
      this.say(`Paused at ${size(this.sent || 0)} of ${size(this.file.size)}`);
    } else {
      this.status = "waiting";
      this.say("Waiting its turn");
      queue.push(this);
    }
    sendNext();
  }

  async cancel() {
    this.status = "cancelled";
    remove(queue, this);
    this.item.remove();
    showPanel();
    await this.upload.cancel();
    sendNext();
  }
}

// --- the queue ----------------------------------------------------------------------------------
function add(files) {
  const known = new Set([...queue, ...active].map((row) => fingerprint(row.file, place.workspace)));
  for (const file of files) {
    if (known.has(fingerprint(file, place.workspace))) continue;
    const row = new Row(file);
    list.querySelectorAll(".stopped").forEach((item) => {
      if (item.dataset.uploadUrl === localStorage.getItem(row.upload.key)) item.remove();
    });
    queue.push(row);
    list.append(row.item);
  }
  showPanel();
  sendNext();
}

function sendNext() {
  while (active.size < AT_ONCE && queue.length) {
    const row = queue.shift();
    active.add(row);
    row.start().finally(() => {
      active.delete(row);
      showOverall();
      sendNext();
    });
  }
  showOverall();
}

function remove(array, item) {
  const at = array.indexOf(item);
  if (at >= 0) array.splice(at, 1);
}

function showPanel() {
  panel.hidden = !list.children.length;
}

function showOverall() {
  const rows = [...active, ...queue];
  const total = rows.reduce((sum, row) => sum + row.file.size, 0);
  const sent = rows.reduce((sum, row) => sum + (row.sent || 0), 0);
  panel.querySelector("[data-overall]").textContent = rows.length ? `${rows.length} to go · ${size(sent)} of ${size(total)}` : "";
  panel.querySelector("[data-clear]").hidden = !list.querySelector(".arrived");
}

panel.querySelector("[data-clear]").addEventListener("click", () => {
  list.querySelectorAll(".arrived").forEach((item) => item.remove());
  showPanel();
  showOverall();
});
document.addEventListener("htmx:afterSwap", showOverall);

let refresh;
function refreshSoon() {
  clearTimeout(refresh);
  refresh = setTimeout(() => document.body.dispatchEvent(new Event("library-changed")), 400);
}

// --- choosing and dropping ----------------------------------------------------------------------
function take(input) {
  add([...input.files].filter(isWanted));
  input.value = "";
}
form.querySelector("[type=file]").addEventListener("change", (event) => take(event.target));
for (const input of library.querySelectorAll("[data-choose]")) {
  input.addEventListener("change", () => take(input));
}
for (const input of list.querySelectorAll("[data-again]")) {
  input.addEventListener("change", () => takeAgain(input));
}

/** The same file for an upload that was begun before, perhaps in another browser. */
function takeAgain(input) {
  const [file] = input.files;
  const item = input.closest(".upload");
  if (!file) return;
  const name = item.querySelector(".name").textContent;
  if (file.name !== name) {
    item.querySelector(".state").textContent = `That is ${file.name}. Choose ${name} to go on.`;
    input.value = "";
    return;
  }
  forget(item.dataset.uploadUrl);
  localStorage.setItem(`sightline.upload:${fingerprint(file, place.workspace)}`, item.dataset.uploadUrl);
  add([file]);
}

const isWanted = (file) => !/^(\.|Thumbs\.db$|desktop\.ini$)/i.test(file.name);
const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");
let depth = 0;

addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  overlay.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (hasFiles(event) && --depth <= 0) hideOverlay();
});
addEventListener("dragover", (event) => {
  if (hasFiles(event)) event.preventDefault();
});
addEventListener("drop", async (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  hideOverlay();
  // The entries must be taken now: after the first await the browser has emptied the list.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = entries.length ? (await Promise.all(entries.map(filesOf))).flat() : [...event.dataTransfer.files];
  add(files.filter(isWanted));
});

function hideOverlay() {
  depth = 0;
  overlay.hidden = true;
}

/** All files of a dropped entry, folders within folders included. */
async function filesOf(entry) {
  if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // a folder is read a hundred entries at a time
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    found.push(...(await Promise.all(entries.map(filesOf))).flat());
  }
}

document.addEventListener("keydown", (event) => {
  if (keyOf(event) === "u") form.querySelector("[type=file]").click();
});

// --- words --------------------------------------------------------------------------------------
function size(bytes) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (bytes < 1000) return `${unit === "B" || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)}\u202f${unit}`;
    bytes /= 1000;
  }
  return `${bytes.toFixed(1)}\u202fTB`;
}

function about(seconds) {
  if (seconds < 50) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  if (seconds < 3000) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  return `about ${(seconds / 3600).toFixed(1)} h`;
}
