// The import form: files are sent resumably, and the form says which. Without it the form works as it is.
import { onDrop } from "../dropping.js";
import { keyOf } from "../keys.js";
import { forget } from "../tus.js";
import { size, UploadRows } from "../upload-rows.js";

const form = document.querySelector("form[data-importing]");
const input = form.elements.files;
const button = form.querySelector("button.p");
const said = form.querySelector("[data-said]");
const panel = document.getElementById("uploads");
const place = {
  uploads: form.dataset.importing,
  workspace: form.dataset.workspace,
  purpose: "import",
  token: form.querySelector("[name=csrfmiddlewaretoken]").value,
};
const rows = new UploadRows(panel.querySelector("ul"), place, { arrive, fail, change: show });
let isWanted = false; // a person has said to look into what is here
let isAsking = false;

form.addEventListener("submit", (event) => {
  const files = [...input.files];
  if (!files.length && !rows.all.length) return; // the server says what is missing
  event.preventDefault();
  const why = whyNot([...rows.all.map((row) => row.file), ...files]);
  if (why) {
    say(why, true);
    return;
  }
  input.value = "";
  isWanted = true;
  rows.add(files);
});

function whyNot(files) {
  const { mostFiles, mostBytes } = form.dataset;
  const total = files.reduce((sum, file) => sum + file.size, 0);
  if (files.length > Number(mostFiles)) return `${mostFiles} files at a time. Put more into an archive.`;
  if (total > Number(mostBytes)) return `${size(total)} at once is too much: ${size(Number(mostBytes))} at most.`;
  return "";
}

function arrive(row) {
  row.rest(`${size(row.file.size)} is here`);
}

function fail(row, error) {
  say(`${row.file.name}: ${error.message}`, true);
}

function show() {
  panel.hidden = !panel.querySelector("li");
  const here = rows.all.filter((row) => row.status === "arrived").length;
  if (rows.isBusy) say(`Sending: ${here} of ${rows.all.length} here`);
  button.disabled = rows.isBusy || isAsking;
  if (!rows.all.length) isWanted = false;
  else if (isWanted && !isAsking && here === rows.all.length) ask();
}

function say(text, isBad = false) {
  said.textContent = text;
  said.classList.toggle("bad", isBad);
}

/** All is here: have it looked into. Asked again after a lost connection, it is one import. */
async function ask() {
  isAsking = button.disabled = true;
  const values = new FormData(form);
  values.delete("files");
  values.set("uploads", rows.all.map((row) => row.done.upload).join(","));
  for (let seconds = 1; ; seconds = Math.min(30, 2 * seconds)) {
    say("Sent. Being put away …");
    const answer = await fetch(location.href, { method: "POST", body: values }).catch(() => null);
    if (answer && answer.status < 500) {
      await took(answer);
      return;
    }
    say(`The connection is lost. Trying again in ${seconds} s; what has arrived is kept.`);
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  }
}

async function took(answer) {
  if (answer.ok && answer.redirected) {
    for (const row of rows.all) forget(row.upload.url);
    location.assign(answer.url);
    return;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const errors = [...page.querySelectorAll("form[data-importing] .error")].map((e) => e.textContent);
  isAsking = isWanted = button.disabled = false;
  say(errors.join(" ") || "The server did not take it. Reload the page and choose the files again: what has arrived is kept.", true);
}

// --- choosing and dropping ------------------------------------------------------------------------
onDrop(document.querySelector("[data-overlay]"), (found) => {
  const files = new DataTransfer();
  for (const [file] of found) files.items.add(file);
  input.files = files.files;
  say(found.length === 1 ? found[0][0].name : `${found.length} files`);
  button.focus();
});
document.addEventListener("keydown", (event) => {
  if (keyOf(event) === "u") input.click();
});
addEventListener("beforeunload", (event) => {
  if (rows.isBusy) event.preventDefault();
});
