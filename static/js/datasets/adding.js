// Pictures, folders and videos dropped on a dataset: sent resumably, then taken into it in batches.
import { onChosen } from "../choosing.js";
import { onDrop } from "../dropping.js";
import { Refused, Upload } from "../tus.js";

const AT_ONCE = 3;
const TAKE_AFTER_MS = 1500;
const TAKE_AGAIN_MS = 5000;
const form = document.getElementById("adding");
const panel = document.getElementById("sending");
const said = panel.querySelector("[data-said]");
const bar = panel.querySelector("progress");
const refused = panel.querySelector("[data-refused]");
const place = {
  uploads: form.dataset.uploads,
  workspace: form.dataset.workspace,
  token: form.querySelector("[name=csrfmiddlewaretoken]").value,
};
const queue = [];
const active = new Set();
const sent = { files: 0, of: 0, bytes: 0, total: 0 };
let arrived = []; // [asset, where it lay], not yet taken
let taking = 0; // batches that the server was asked to take, and has not answered for
let timer;

/** Whether something would be lost if the page were left now. */
const isBusy = () => queue.length + active.size + arrived.length + taking > 0;

// --- sending --------------------------------------------------------------------------------------
/** `found`: [[file, path in the dropped folder]] */
function add(found) {
  const wanted = found.filter(([file]) => isWanted(file));
  if (found.length && !wanted.length) refuse("There is no picture or video in it.");
  for (const [file, path] of wanted) {
    queue.push({ file, path });
    sent.of += 1;
    sent.total += file.size;
  }
  show();
  sendNext();
}

const isWanted = (file) =>
  /^(image|video)\//.test(file.type) || /\.(jpe?g|png|webp|bmp|tiff?|heic|avif|mp4|mov|m4v|mkv|avi|webm|mxf|ts|mts)$/i.test(file.name);

function sendNext() {
  while (active.size < AT_ONCE && queue.length) {
    const one = queue.shift();
    active.add(one);
    send(one).finally(() => {
      active.delete(one);
      show();
      sendNext();
    });
  }
  if (!queue.length && !active.size) takeNow();
}

async function send(one) {
  let known = 0;
  one.upload = new Upload(one.file, place, {
    progress: (bytes) => {
      sent.bytes += bytes - known;
      known = bytes;
      show();
    },
    waiting: (seconds) => (said.textContent = `The connection is lost. Trying again in ${seconds} s; what has arrived is kept.`),
  });
  try {
    const done = await one.upload.run();
    if (done) arrived.push([done.asset, one.path]);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    refuse(`${one.path}: ${error.message}`);
  }
  sent.bytes += one.file.size - known;
  sent.files += 1;
  clearTimeout(timer);
  timer = setTimeout(takeNow, TAKE_AFTER_MS);
}

/** What has arrived comes into the dataset, all of it as one piece of work. */
function takeNow() {
  clearTimeout(timer);
  // While more is coming, wait for a good number of them.
  if (!arrived.length || (arrived.length < 200 && (queue.length || active.size))) return;
  const now = arrived;
  arrived = [];
  const values = { assets: now.map(([asset]) => asset).join(","), names: JSON.stringify(Object.fromEntries(now)) };
  taking += 1;
  htmx
    .ajax("POST", form.action, { target: "#work", swap: "outerHTML", values })
    .catch(() => {
      // The connection is lost: it is asked for again.
      arrived = [...now, ...arrived];
      timer = setTimeout(takeNow, TAKE_AGAIN_MS);
    })
    .finally(() => {
      taking -= 1;
      show();
    });
  show();
}

function refuse(text) {
  const item = document.createElement("li");
  item.textContent = text;
  refused.append(item);
  panel.hidden = false;
}

function show() {
  const busy = isBusy();
  panel.hidden = !busy && !refused.children.length;
  bar.hidden = !busy;
  bar.value = sent.total ? sent.bytes / sent.total : 0;
  panel.querySelector("[data-stop]").textContent = busy ? "Stop" : "Dismiss";
  if (busy) said.textContent = `Sending ${Math.min(sent.files + 1, sent.of)} of ${sent.of}`;
  else said.textContent = refused.children.length ? `${refused.children.length} could not be sent` : "";
  if (!busy) sent.files = sent.of = sent.bytes = sent.total = 0;
}

panel.querySelector("[data-stop]").addEventListener("click", () => {
  queue.length = 0;
  for (const one of active) one.upload?.cancel();
  refused.replaceChildren();
  show();
});
addEventListener("beforeunload", (event) => {
  if (isBusy()) event.preventDefault();
});

// --- choosing and dropping ------------------------------------------------------------------------
for (const input of form.querySelectorAll("[data-choose]")) {
  onChosen(input, () => {
    add([...input.files].map((file) => [file, file.webkitRelativePath || file.name]));
    input.value = "";
  });
}

onDrop(document.querySelector("[data-overlay]"), add);
