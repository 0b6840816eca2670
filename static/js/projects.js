// The project page: pictures dropped on labels, labels put in order, the version one looks at.
import { keyOf } from "./keys.js";

const seen = () => document.querySelector("[data-seen]").value;

// Every edit names the version on the screen, and which labels are open so they stay so.
document.addEventListener("htmx:configRequest", (event) => {
  const { parameters, verb } = event.detail;
  if (verb !== "post") return;
  parameters.seen = seen();
  const open = [...document.querySelectorAll("details.label[open]")];
  parameters.open = open.map((label) => label.dataset.pk).join(",");
});
for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    if (form.elements.seen) form.elements.seen.value = seen();
  });
}

// --- pictures --------------------------------------------------------------------------------
let dropped = null;

function addDropped() {
  const form = dropped && document.querySelector(`#${dropped.item} [data-pictures]`);
  if (!form) return;
  form.querySelector("input[type=file]").files = dropped.files;
  dropped = null;
  form.requestSubmit();
}

const holdsFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

function addChosen(input) {
  const form = input.closest("[data-pictures]");
  if (form && input.files.length) form.requestSubmit();
}
document.addEventListener("change", (event) => addChosen(event.target));
// Chosen before this was heard: on a slow line the button is there some seconds earlier. htmx, whose
// script comes first, knows the forms by then.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-pictures] input[type=file]").forEach(addChosen);
});
document.addEventListener("dragover", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault();
  const over = event.target.closest("[data-drop]");
  for (const drop of document.querySelectorAll("[data-drop].over")) {
    if (drop !== over) drop.classList.remove("over");
  }
  over?.classList.add("over");
  event.dataTransfer.dropEffect = over || document.querySelector("[data-upload-place]") ? "copy" : "none";
});
document.addEventListener("drop", (event) => {
  if (!holdsFiles(event)) return;
  event.preventDefault(); // else the browser leaves the page to show the file
  const drop = event.target.closest("[data-drop]");
  drop?.classList.remove("over");
  if (!drop) return;
  dropped = { item: drop.id, files: event.dataTransfer.files };
  drop.querySelector("details").open = true; // which fetches the form, where it is not there yet
  addDropped();
});
document.addEventListener("htmx:afterSettle", () => addDropped());
document.addEventListener("dragleave", (event) => {
  if (event.target.matches?.("[data-drop]") && !event.target.contains(event.relatedTarget)) {
    event.target.classList.remove("over");
  }
});

// --- order -----------------------------------------------------------------------------------
let moving = null;

function sendOrder(list, focus) {
  const order = [...list.children].map((item) => item.dataset.pk).join(",");
  window.htmx
    .ajax("POST", list.dataset.orderUrl, { source: list, target: "#labels", swap: "outerHTML", values: { order } })
    .then(() => focus && document.querySelector(`#label-${focus} summary`)?.focus());
}

document.addEventListener("dragstart", (event) => {
  const grip = event.target.closest?.(".grip");
  if (!grip) return;
  moving = grip.closest("li");
  moving.classList.add("moving");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", moving.dataset.pk);
});
document.addEventListener("dragover", (event) => {
  if (!moving) return;
  const over = event.target.closest?.(".labels > li");
  if (!over || over === moving) return;
  event.preventDefault();
  const { top, height } = over.getBoundingClientRect();
  over.parentElement.insertBefore(moving, event.clientY < top + height / 2 ? over : over.nextSibling);
});
document.addEventListener("dragend", () => {
  if (!moving) return;
  moving.classList.remove("moving");
  sendOrder(moving.parentElement);
  moving = null;
});
document.addEventListener("keydown", (event) => {
  const summary = event.target.closest?.(".labels summary");
  if (event.altKey && summary && ["ArrowUp", "ArrowDown"].includes(event.key)) {
    event.preventDefault();
    const item = summary.closest("li");
    const other = event.key === "ArrowUp" ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (event.key === "ArrowUp") other.before(item);
    else other.after(item);
    sendOrder(item.parentElement, item.dataset.pk);
  } else if (keyOf(event) === "n") {
    event.preventDefault();
    document.querySelector("[data-new-label]")?.focus();
  }
});

// After adding a label the field is ready for the next one.
document.addEventListener("htmx:afterSwap", (event) => {
  const added = event.detail.requestConfig?.elt?.querySelector?.("[data-new-label]");
  if (added) document.querySelector("[data-new-label]")?.focus();
});

// --- what sampling costs -----------------------------------------------------------------------
const looking = document.querySelector("#looking form");
function showCost() {
  const note = looking?.querySelector("[data-cost]");
  if (!note) return;
  const mode = looking.elements.mode.value;
  const every = Number(looking.elements.interval_s.value);
  const frames = { every: 25 * 3600, interval: 3600 / every, adaptive: 3600 / every }[mode];
  note.hidden = !Number.isFinite(frames);
  const hour = mode === "every" ? "An hour at 25 frames a second" : "An hour";
  const most = mode === "adaptive" ? "at most " : "";
  note.textContent = `${hour} is ${most}${Math.round(frames).toLocaleString("en")} frames to look at.`;
}
looking?.addEventListener("input", showCost);
showCost();
if (location.hash.startsWith("#label-")) {
  document.querySelector(`${location.hash} details`)?.setAttribute("open", "");
}
