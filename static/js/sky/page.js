// The page of one sky exposure, and that of several.
import { keyOf } from "../keys.js";
import { bindBlinking } from "./blinking.js";
import { bindGoing } from "./going.js";
import { bindLevels, limitsOf } from "./levels.js";
import { link } from "./linked.js";
import { bindReadout } from "./readout.js";
import { showMarks } from "./marked.js";
import { SkyView } from "./view.js";

const { exposures, mode, marks = [] } = JSON.parse(document.getElementById("sky-data").textContent);
const panes = [...document.querySelectorAll("[data-sky-pane]")];
const stages = panes.map((pane) => pane.querySelector("[data-sky]"));
const views = exposures.map((exposure, n) => new SkyView(stages[n], {
  ...exposure,
  stretch: limitsOf(exposure, "zscale"),
  label: `${exposure.name}. Arrows move, plus and minus zoom, 0 shows all.`,
}));
const live = document.getElementById("sky-live");

if (views.length > 1) link(views);
bindLevels(document.getElementById("sky-levels"), { exposures, views });
bindReadout(document.getElementById("sky-readout"), views, exposures.map(({ name }) => name));

bindGoing(document.getElementById("sky-going"), views[0], (text) => { live.textContent = text; });

let active = views[0];
views.forEach((view, n) => {
  stages[n].addEventListener("pointerenter", () => { active = view; });
  stages[n].addEventListener("focus", () => { active = view; });
  view.addEventListener("trouble", () => {
    live.textContent = `A part of ${exposures[n].name} could not be loaded. It is tried again.`;
  });
});

const does = {
  more: () => active.zoomBy(1.5),
  less: () => active.zoomBy(1 / 1.5),
  fit: () => active.fit(),
  one: () => active.setView({ ...active.view, zoom: 1 }),
};
document.getElementById("sky-zoom").addEventListener("click", ({ target }) => {
  does[target.closest("[data-do]")?.dataset.do]?.();
});
const zoomSays = document.querySelector("[data-zoom-says]");
for (const view of views) {
  view.addEventListener("view", ({ detail: { zoom } }) => {
    zoomSays.textContent = zoom >= 1 ? `${Number(zoom.toPrecision(3))} : 1` : `1 : ${Number((1 / zoom).toPrecision(3))}`;
  });
}
views[0].fit();
if (marks.length) showMarks(marks, exposures, views);
const areMarked = document.getElementById("sky-marked");
areMarked?.addEventListener("change", () => showMarks(areMarked.checked ? marks : [], exposures, views));
for (const view of views) {
  view.addEventListener("mark", ({ detail: { href } }) => { if (href) location.assign(href); });
}

addEventListener("keydown", (event) => {
  const key = keyOf(event);
  const wish = { "+": "more", "=": "more", "-": "less", 0: "fit", 1: "one" }[key];
  if (key === "i") document.querySelector("#sky-levels [name=invert]").click();
  else if (key === "m" && areMarked) areMarked.click();
  else if (wish && !event.defaultPrevented) does[wish]();
  else return;
  event.preventDefault();
});

if (mode === "beside") {
  bindBlinking(document.getElementById("sky-panes"), panes, document.getElementById("sky-blinking"), (n) => {
    if (document.getElementById("sky-panes").dataset.mode === "blink") active = views[n];
    views[n].setView(views[n].view, true);
  });
}

// The header's lines by a word of them.
const find = document.getElementById("header-find");
find?.addEventListener("input", () => {
  const word = find.value.trim().toLowerCase();
  for (const row of document.querySelectorAll("#header-table tbody tr")) {
    row.hidden = Boolean(word) && !row.textContent.toLowerCase().includes(word);
  }
});

document.documentElement.dataset.skyReady = "true";
