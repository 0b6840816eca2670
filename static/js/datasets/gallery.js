// Choosing pictures, moving between them by keyboard, and boxes that can be put out of sight.
import { keyOf } from "../keys.js";

const BOXES = "sightline.boxes";
const ticks = () => [...document.querySelectorAll("#gallery [name=picture]")];
const chosen = () => ticks().filter((tick) => tick.checked);
const links = () => [...document.querySelectorAll("#gallery .tile > a")];
let last = null;

function show() {
  const bar = document.querySelector("[data-chosen]");
  if (!bar) return;
  const n = chosen().length;
  const all = bar.querySelector("[data-all]");
  bar.hidden = !n;
  bar.querySelector("[data-count]").textContent = all?.checked ? "all" : n;
  document.getElementById("gallery").classList.toggle("choosing", n > 0);
  if (all && n < ticks().length) all.checked = false;
  if (all) all.closest("label").hidden = n < ticks().length;
}

function chooseAll(on) {
  for (const tick of ticks()) tick.checked = on;
  show();
}

/** Choose all between the picture chosen last and this one, as lists do everywhere. */
function reach(tick) {
  const all = ticks();
  const [from, to] = [all.indexOf(last), all.indexOf(tick)].sort((a, b) => a - b);
  if (from >= 0) all.slice(from, to + 1).forEach((one) => (one.checked = tick.checked));
}

function choose(tick, withShift) {
  if (withShift) reach(tick);
  last = tick;
  show();
}

document.addEventListener("click", (event) => {
  const tick = event.target.closest("#gallery [name=picture]");
  if (tick) choose(tick, event.shiftKey);
  if (event.target.closest("[data-none]")) chooseAll(false);
  const boxes = event.target.closest("[data-boxes]");
  if (boxes) showBoxes(boxes.getAttribute("aria-pressed") !== "true");
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-all]")) show();
});
document.addEventListener("htmx:afterSwap", show);
addEventListener("pageshow", show);

// --- boxes ----------------------------------------------------------------------------------------
function showBoxes(on) {
  localStorage.setItem(BOXES, on ? "on" : "off");
  document.body.classList.toggle("no-boxes", !on);
  document.querySelector("[data-boxes]")?.setAttribute("aria-pressed", String(on));
}
showBoxes(localStorage.getItem(BOXES) !== "off");

// --- keys -----------------------------------------------------------------------------------------
function step(key) {
  const all = links();
  if (!all.length) return false;
  const here = all.indexOf(document.activeElement.closest(".tile")?.querySelector("a"));
  if (here < 0) {
    all[0].focus();
    return true;
  }
  const top = all[0].offsetParent.offsetTop;
  const across = all.findIndex((link) => link.offsetParent.offsetTop > top);
  const columns = across < 0 ? all.length : across;
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[key];
  const to = all[here + by];
  to?.focus();
  return Boolean(to);
}

const press = (name) => document.querySelector(`[data-chosen]:not([hidden]) [name=do][value=${name}]`)?.click();
const DOES = { Delete: "remove", g: "golden", 0: "nothing" };

document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (key.startsWith("Arrow")) {
    if (document.activeElement.matches("summary, select")) return;
    const way = { ArrowLeft: "prev", ArrowRight: "next" }[key];
    const link = way && !links().length && document.querySelector(`a[rel=${way}]`);
    if (link) link.click();
    else if (!links().length || !step(key)) return;
  } else if (key === "x" || key === "X") {
    const tick = document.activeElement.closest(".tile")?.querySelector("[name=picture]");
    if (!tick) return;
    tick.checked = !tick.checked;
    choose(tick, event.shiftKey);
  } else if (key === "a") {
    if (!ticks().length) return;
    chooseAll(chosen().length < ticks().length);
  } else if (key === "b") {
    showBoxes(document.body.classList.contains("no-boxes"));
  } else if (key === "e") {
    const edit = document.querySelector("[data-edit]");
    if (!edit) return;
    edit.click();
  } else if (key in DOES && chosen().length) {
    press(DOES[key]);
  } else if (key === "Escape" && chosen().length) {
    chooseAll(false);
  } else return;
  event.preventDefault();
});

// The first pictures came: the page is another one now.
document.body.addEventListener("samples-changed", () => {
  if (document.querySelector("[data-empty]") && document.querySelector("#work .job")) location.reload();
});
// A filter that is not set is not part of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches(".filters")) return;
  for (const [name, value] of Object.entries(event.detail.parameters)) {
    if (value === "") delete event.detail.parameters[name];
  }
});
show();
