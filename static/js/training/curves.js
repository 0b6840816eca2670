// A training's curves: drawn from the numbers in the page, and again with each finished epoch.
import { drawLines } from "./chart.js";

const charts = document.querySelector("[data-curves]");
const table = document.querySelector("[data-curves-table]");

function show() {
  const data = document.getElementById("training-curves");
  if (!data || data.dataset.drawn) return;
  data.dataset.drawn = "yes";
  const rows = JSON.parse(data.textContent);
  charts.hidden = !rows.length;
  document.querySelector("[data-no-curves]").hidden = rows.length > 0;
  for (const place of charts.querySelectorAll("[data-chart]")) draw(place, rows);
  fill(rows);
}

function draw(place, rows) {
  const isShare = place.dataset.chart === "share";
  const series = JSON.parse(place.dataset.series).map(([key, name]) => ({
    name,
    points: rows.filter((row) => Number.isFinite(row[key])).map((row) => [row.epoch, row[key]]),
  }));
  drawLines(place, {
    label: place.closest("figure").querySelector("figcaption").textContent,
    series,
    x: { title: "epoch", whole: true },
    y: { title: "", range: isShare ? [0, 1] : undefined },
  });
}

function fill(rows) {
  const columns = [...table.querySelectorAll("th")].map((th) => th.dataset);
  const lines = rows.map((row) => {
    const line = document.createElement("tr");
    for (const { key, places } of columns) {
      const cell = line.insertCell();
      cell.className = "num";
      cell.textContent = Number.isFinite(row[key]) ? row[key].toFixed(Number(places) || 0) : "";
    }
    return line;
  });
  table.tBodies[0].replaceChildren(...lines);
}

show();
document.addEventListener("htmx:afterSettle", show);
