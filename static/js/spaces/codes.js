// Codes by keyboard: going from one to the next, naming and muting them.
import { keyOf } from "../keys.js";

const cards = () => [...document.querySelectorAll("[data-code]")];
const here = () => document.activeElement?.closest("[data-code]");
let last = ""; // the card whose change replaced it, so that the focus stays there

function step(by) {
  const all = cards();
  if (!all.length) return;
  const at = all.indexOf(here());
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1);
  all[next].querySelector("[data-open]").focus();
  all[next].scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
  const name = event.target.closest?.("[data-name]");
  if (name && event.key === "Escape") {
    name.value = name.dataset.name;
    name.closest("[data-code]").querySelector("[data-open]").focus();
    return;
  }
  const key = keyOf(event).toLowerCase();
  if (key === "j" || key === "arrowright") step(1);
  else if (key === "k" || key === "arrowleft") step(-1);
  else if (key === "r" && here()?.querySelector("[data-name]")) {
    const field = here().querySelector("[data-name]");
    field.focus();
    field.select();
  } else if (key === "m" && here()) here().querySelector("[data-mute]")?.click();
  else return;
  event.preventDefault();
});

document.addEventListener("input", (event) => {
  const name = event.target.closest("[data-name]");
  if (name) name.form.querySelector(".keep").hidden = name.value === name.dataset.name;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  last = event.target.closest("[data-code]")?.id ?? "";
});
document.addEventListener("htmx:afterSettle", () => {
  if (!last) return;
  document.getElementById(last)?.querySelector("[data-open]")?.focus();
  last = "";
});

// Without a change nothing is sent: a field that was only looked at keeps quiet.
document.addEventListener(
  "submit",
  (event) => {
    const name = event.target.matches("[data-code] .name") && event.target.elements.name;
    if (name && name.value === name.dataset.name) {
      event.preventDefault();
      event.stopImmediatePropagation();
      name.closest("[data-code]").querySelector("[data-open]").focus();
    }
  },
  true,
);

// A filter that is not set is not part of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches(".codes-find")) return;
  for (const [name, value] of Object.entries(event.detail.parameters)) {
    if (value === "") delete event.detail.parameters[name];
  }
});
