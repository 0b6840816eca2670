// Moving between moments by keyboard, and addresses without empty words.
import { keyOf } from "./keys.js";

const moments = () => [...document.querySelectorAll("#found .moment")];

function step(by) {
  const all = moments();
  if (!all.length) return;
  const here = all.indexOf(document.activeElement);
  const next = here < 0 ? (by > 0 ? 0 : all.length - 1) : here + by;
  all[Math.min(Math.max(next, 0), all.length - 1)].focus();
}

document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  const isField = event.target.id === "q";
  if (key === "j" || key === "ArrowDown" || (isField && event.key === "ArrowDown")) step(1);
  else if (key === "k" || key === "ArrowUp") {
    if (document.activeElement === moments()[0]) document.getElementById("q").focus();
    else step(-1);
  } else return;
  event.preventDefault();
});

// A filter that is not set is not part of the address.
document.addEventListener("htmx:configRequest", (event) => {
  if (event.target.id !== "search-form") return;
  for (const [name, value] of Object.entries(event.detail.parameters)) {
    if (value === "") delete event.detail.parameters[name];
  }
});
