// The charts of an evaluation, its threshold slider, and pictures shown large.
import { drawLines } from "./chart.js";

const { ours, theirs, bins } = JSON.parse(document.getElementById("evaluation-charts").textContent);

// --- precision and recall ----------------------------------------------------------------------
const choice = document.querySelector("[data-pr-label]");

function drawCurve() {
  const label = choice.value;
  const series = [ours, theirs].filter(Boolean).map(({ name, labels }) => ({
    name,
    points: (labels[label] || []).map(([recall, precision]) => [recall, precision]),
  }));
  drawLines(document.querySelector("[data-pr]"), {
    label: `Precision over recall of ${label}`,
    series,
    x: { title: "recall", range: [0, 1] },
    y: { title: "precision", range: [0, 1], low: true },
  });
  const lines = (ours.labels[label] || []).map(([recall, precision, confidence]) => {
    const line = document.createElement("tr");
    for (const value of [confidence, recall, precision]) {
      const cell = line.insertCell();
      cell.className = "num";
      cell.textContent = value.toFixed(3);
    }
    return line;
  });
  document.querySelector("[data-pr-table]").tBodies[0].replaceChildren(...lines);
}
choice.addEventListener("change", drawCurve);
drawCurve();

// --- calibration ---------------------------------------------------------------------------------
drawLines(document.querySelector("[data-reliability]"), {
  label: "How often it is right at each confidence",
  series: [
    { name: "measured", kind: "dots", points: bins.filter((b) => b.n).map((b) => [b.confidence, b.accuracy]) },
    ...(bins.some((b) => b.n) ? [{ name: "as it should be", kind: "faint-line", points: [[0, 0], [0.5, 0.5], [1, 1]] }] : []),
  ],
  x: { title: "said", range: [0, 1] },
  y: { title: "right", range: [0, 1] },
});

// --- the threshold: one for all, or each label's own -----------------------------------------------
const form = document.getElementById("choices");
const slider = document.getElementById("threshold");
const own = form.querySelector("[data-own]");
const said = form.querySelector("[data-threshold]");

function sayThreshold() {
  said.textContent = own.checked ? "" : Number(slider.value).toFixed(2);
}
own.addEventListener("change", () => {
  slider.disabled = own.checked;
  sayThreshold();
});
slider.addEventListener("input", sayThreshold);
sayThreshold();

// Pages of the gallery come in place, with the choices kept.
document.addEventListener("click", (event) => {
  const page = event.target.closest("#outcomes .pages a");
  if (!page || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  htmx.ajax("GET", form.getAttribute("hx-get") + new URL(page.href).search, { target: "#outcomes", swap: "outerHTML show:#pictures:top" });
});

for (const form of document.querySelectorAll("[data-submits]")) {
  form.querySelector("select").addEventListener("change", () => form.requestSubmit());
}

// --- pictures shown large ------------------------------------------------------------------------
document.addEventListener("click", (event) => {
  const shot = event.target.closest("[data-shot]");
  if (!shot) return;
  const dialog = document.createElement("dialog");
  dialog.className = "large";
  const close = document.createElement("button");
  close.className = "btn";
  close.textContent = "Close";
  close.autofocus = true;
  const about = document.createElement("div");
  about.className = "about";
  about.append(shot.parentElement.querySelector("p").cloneNode(true), shot.parentElement.querySelector(".tags").cloneNode(true));
  dialog.append(shot.querySelector("svg").cloneNode(true), about, close);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (e) => e.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    shot.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
});
