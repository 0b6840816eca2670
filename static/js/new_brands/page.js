// “New brands?” by keys: from group to group, and what each of them is.
import { keyOf } from "../keys.js";

/** Those that are seen: the doubtful ones are folded away until somebody opens them. */
const groups = () =>
  [...document.querySelectorAll("[data-group]")].filter((group) => group.checkVisibility());
const here = () => document.activeElement?.closest("[data-group]");

/** The group that keys are about: the one that has the focus, else the first. */
const current = () => here() ?? groups()[0];

function step(by) {
  const all = groups();
  const at = here() ? all.indexOf(here()) + by : 0;
  all[Math.min(Math.max(at, 0), all.length - 1)]?.focus();
}

const acts = {
  j: () => step(1),
  k: () => step(-1),
  n: () => current()?.querySelector("[data-name]")?.focus(),
  b: () => current()?.querySelector("[data-label]")?.focus(),
  x: () => current()?.querySelector("[data-dismiss]")?.click(),
  z: () => document.querySelector("[data-put-back]")?.click(),
};

document.addEventListener("keydown", (event) => {
  const act = acts[keyOf(event).toLowerCase()];
  if (!act || event.repeat) return;
  event.preventDefault();
  act();
});

// Out of a field with Escape, so that single keys work again.
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.activeElement?.closest("[data-group]")?.focus();
});

// While a worker looks, the page is fetched again, but not under a person's hands.
document.addEventListener("htmx:beforeRequest", (event) => {
  const held = "#new-brands :is(:focus, [data-group] details[open], .nb-doubtful[open], [data-name]:not(:placeholder-shown))";
  if (event.target.id === "new-brands" && document.querySelector(held)) event.preventDefault();
});
