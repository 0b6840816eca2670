// Before anybody starts: how long the answers take that are chosen. And what the page that asks
// could not send before it was left is sent from here.
import { Outbox, keptAs } from "../common/outbox.js";
import { sender } from "./sending.js";

const takes = document.getElementById("takes");
const go = document.getElementById("start-go");

/** Brands of which this is checked already cannot be chosen. */
function offer() {
  const what = document.getElementById("start").elements.what.value;
  document.getElementById("counted-by").hidden = what !== "times";
  for (const box of document.querySelectorAll("input[name=label]")) {
    box.disabled = (what === "times" ? "hasTimes" : "hasSeconds") in box.dataset;
    if (box.disabled) box.checked = false;
  }
}

function say() {
  const form = document.getElementById("start");
  const isFilm = form.elements.what.value === "times";
  const brands = document.querySelectorAll("input[name=label]:checked").length;
  const n = Number(form.elements.n.value);
  go.disabled = brands === 0;
  if (!brands) {
    takes.textContent = "Choose a brand first.";
    return;
  }
  const minutes = Math.max((brands * n * Number(isFilm ? takes.dataset.watchingS : takes.dataset.answerS)) / 60, 0.5);
  const long = minutes < 1 ? "Less than a minute" : `About ${Math.round(minutes)} min`;
  const of = brands === 1 ? "one brand" : `${brands} brands`;
  takes.textContent = `${long} for ${of}. ${isFilm ? "Each is a few seconds of film." : takes.dataset.rests}`;
}

if (takes) {
  takes.dataset.rests = takes.textContent;
  offer();
  say();
  document.addEventListener("change", ({ target }) => {
    if (target.matches("#start input[name=what]")) offer();
    if (target.matches("input[name=label], #start input")) say();
  });
}

const { kept, ...urls } = document.getElementById("result")?.dataset ?? {};
const outbox = kept && new Outbox(sender(urls), keptAs(kept));
if (outbox?.count) {
  outbox.hurry();
  await outbox.empty();
  location.reload();
}
