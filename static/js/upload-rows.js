// Files on their way, each in a row with its progress: a few at a time, paused, resumed, cancelled.
import { onChosen } from "./choosing.js";
import { fingerprint, forget, Refused, remember, Upload } from "./tus.js";

class Row {
  constructor(file, rows) {
    this.file = file;
    this.rows = rows;
    this.samples = [];
    this.status = "waiting";
    this.item = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    this.item.querySelector(".name").textContent = this.item.querySelector(".name").title = file.name;
    this.bar = this.item.querySelector("progress");
    this.pauseButton = this.item.querySelector("[data-pause]");
    this.cancelButton = this.item.querySelector("[data-cancel]");
    for (const button of [this.pauseButton, this.cancelButton]) this.#name(button);
    this.pauseButton.addEventListener("click", () => this.pauseOrGoOn());
    this.cancelButton.addEventListener("click", () => this.cancel());
    this.upload = new Upload(file, rows.place, {
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
    this.rows.on.change();
  }

  async start() {
    this.status = "sending";
    this.samples = [];
    this.#label(this.pauseButton, "Pause");
    this.bar.classList.remove("paused");
    try {
      const done = await this.upload.run();
      if (done) this.arrive(done);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.fail(error);
    }
  }

  arrive(done) {
    this.status = "arrived";
    this.done = done;
    this.rows.on.arrive(this, done);
  }

  /** It is here, and nothing more is to be done with it in this row. */
  rest(text) {
    this.say(text);
    this.bar.value = 1;
    this.pauseButton.hidden = true;
  }

  fail(error) {
    this.status = error.canResume ? "paused" : "failed";
    this.say(error.message, true);
    this.bar.hidden = !error.canResume;
    this.pauseButton.hidden = !error.canResume;
    this.#label(this.pauseButton, "Go on");
    this.#label(this.cancelButton, error.canResume ? "Cancel" : "Dismiss");
    this.rows.on.fail(this, error);
  }

  pauseOrGoOn() {
    if (this.status === "sending" || this.status === "waiting") {
      this.status = "paused";
      this.upload.pause();
      remove(this.rows.waiting, this);
      this.#label(this.pauseButton, "Go on");
      this.bar.classList.add("paused");
      this.say(`Paused at ${size(this.sent || 0)} of ${size(this.file.size)}`);
    } else {
      this.status = "waiting";
      this.say("Waiting its turn");
      this.rows.waiting.push(this);
    }
    this.rows.sendNext();
  }

  async cancel() {
    this.status = "cancelled";
    this.rows.drop(this);
    await this.upload.cancel();
    this.rows.sendNext();
  }

  #label(button, text) {
    button.textContent = text;
    this.#name(button);
  }

  /** Which file a button is of, for those who hear it. */
  #name(button) {
    button.setAttribute("aria-label", `${button.textContent} ${this.file.name}`);
  }
}

export class UploadRows {
  /** `on`: {arrive(row, done), fail(row, error), change()}. */
  constructor(list, place, on, atOnce = 2) {
    Object.assign(this, { list, place, on, atOnce });
    this.all = [];
    this.waiting = [];
    this.active = new Set();
    for (const input of list.querySelectorAll("[data-again]")) {
      onChosen(input, () => this.#takeAgain(input));
    }
  }

  get isBusy() {
    return this.waiting.length + this.active.size > 0;
  }

  add(files) {
    for (const file of files) {
      const known = this.#known(file);
      if (known?.status === "paused") known.pauseOrGoOn();
      if (known) continue;
      const row = new Row(file, this);
      for (const item of this.list.querySelectorAll(".stopped")) {
        if (item.dataset.uploadUrl === localStorage.getItem(row.upload.key)) item.remove();
      }
      this.all.push(row);
      this.waiting.push(row);
      this.list.append(row.item);
    }
    this.sendNext();
  }

  sendNext() {
    while (this.active.size < this.atOnce && this.waiting.length) {
      const row = this.waiting.shift();
      this.active.add(row);
      row.start().finally(() => {
        this.active.delete(row);
        this.sendNext();
      });
    }
    this.on.change();
  }

  #known(file) {
    const print = fingerprint(file, this.place);
    return this.all.find((row) => row.status !== "failed" && fingerprint(row.file, this.place) === print);
  }

  drop(row) {
    remove(this.waiting, row);
    this.leave(row);
    row.item.remove();
    this.on.change();
  }

  /** The row is no upload any more. */
  leave(row) {
    remove(this.all, row);
  }

  /** The same file for an upload that was begun before, perhaps in another browser. */
  #takeAgain(input) {
    const [file] = input.files;
    const item = input.closest(".upload");
    const name = item.querySelector(".name").textContent;
    if (file.name !== name) {
      item.querySelector(".state").textContent = `That is ${file.name}. Choose ${name} to go on.`;
      input.value = "";
      return;
    }
    forget(item.dataset.uploadUrl);
    remember(file, this.place, item.dataset.uploadUrl);
    this.add([file]);
  }
}

function remove(array, item) {
  const at = array.indexOf(item);
  if (at >= 0) array.splice(at, 1);
}

// --- words --------------------------------------------------------------------------------------
export function size(bytes) {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (bytes < 1000) return `${unit === "B" || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)}\u202f${unit}`;
    bytes /= 1000;
  }
  return `${bytes.toFixed(1)}\u202fTB`;
}

function about(seconds) {
  if (seconds < 50) return `about ${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  if (seconds < 3000) return `about ${Math.max(1, Math.round(seconds / 60))} min`;
  const hours = seconds / 3600;
  if (hours < 10) return `about ${Math.round(hours * 10) / 10} h`;
  return hours < 48 ? `about ${Math.round(hours)} h` : `about ${Math.round(hours / 24)} days`;
}
