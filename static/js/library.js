// Choosing several assets, moving between them by keyboard, and addresses without empty words.
import { keyOf } from "./keys.js";

const boxes = () => [...document.querySelectorAll("#results [type=checkbox][name=asset]")];
const chosen = () => boxes().filter((box) => box.checked);
let last = null;

function show() {
  const bar = document.getElementById("chosen");
  if (!bar) return;
  const n = chosen().length;
  bar.hidden = !n;
  bar.querySelector("[data-n]").textContent = `${n} chosen`;
  document.getElementById("results").classList.toggle("choosing", n > 0);
  const all = document.querySelector("[data-all]");
  if (all) {
    all.checked = n > 0 && n === boxes().length;
    all.indeterminate = n > 0 && !all.checked;
  }
}

function chooseAll(on) {
  for (const box of boxes()) box.checked = on;
  show();
}

/** Choose all between the box chosen last and this one, as lists do everywhere. */
function reach(box) {
  const all = boxes();
  const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
  if (from >= 0) all.slice(from, to + 1).forEach((one) => (one.checked = box.checked));
}

document.addEventListener("click", (event) => {
  const box = event.target.closest("#results [type=checkbox][name=asset]");
  if (box) {
    if (event.shiftKey) reach(box);
    last = box;
    show();
  }
  if (event.target.closest("[data-none]")) chooseAll(false);
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) chooseAll(event.target.checked);
});
document.addEventListener("htmx:afterSwap", show);
addEventListener("pageshow", show);

// --- keys ---------------------------------------------------------------------------------------
const items = () => [...document.querySelectorAll("#results .card .name, #results .named a")];
const current = () => document.activeElement.closest(".card, tr");

function step(by) {
  const all = items();
  if (!all.length) return;
  const here = all.findIndex((link) => current()?.contains(link));
  all[Math.min(Math.max(here + by, 0), all.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (key === "ArrowRight" || key === "ArrowLeft") {
    if (document.activeElement.matches("summary, video")) return;
    step(key === "ArrowRight" ? 1 : -1);
  } else if (key === "x" || key === "X") {
    const box = current()?.querySelector("[type=checkbox][name=asset]");
    if (!box) return;
    box.checked = !box.checked;
    if (event.shiftKey) reach(box);
    last = box;
    show();
  } else if (key === "a") {
    chooseAll(chosen().length < boxes().length);
  } else if (key === "Escape" && chosen().length) {
    chooseAll(false);
  } else return;
  event.preventDefault();
});

// --- addresses ----------------------------------------------------------------------------------
// A filter that is not set is not part of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches(".filters")) return;
  for (const [name, value] of Object.entries(event.detail.parameters)) {
    if (value === "") delete event.detail.parameters[name];
  }
});
// Something arrived: show the results of this same address again.
document.body.addEventListener("library-changed", () => {
  // an empty library has neither results nor filters yet
  if (!document.getElementById("results")) htmx.ajax("GET", location.href, { target: "#shelf", select: "#shelf", swap: "outerHTML" });
  else htmx.ajax("GET", location.href, { target: "#results", swap: "outerHTML" });
});
show();
