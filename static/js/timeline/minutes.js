// Bars of how much of each minute shows each brand, and of the whole.
import { clock } from "../common/clock.js";

const SVG = "http://www.w3.org/2000/svg";
const [TOP, FOOT, HEIGHT, AXIS] = [8, 20, 132, 44];
const GAP = 20; // between the bar of the whole and those of the minutes
const STEPS = [0.1, 0.2, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8];

/** @param {{store: import("./page.js").Store, player: object, labels: Map}} options */
export function createMinutes({ store, player, labels }) {
  const svg = document.getElementById("minutes");
  let focused = 0;

  function draw() {
    const { figures, off } = store.get();
    if (!figures?.minutes.edges.length) return;
    const hadFocus = svg.contains(document.activeElement);
    svg.replaceChildren(...bars(figures.minutes, shownLabels(labels, off), svg.parentElement.clientWidth));
    for (const [i, bar] of buttons().entries()) bar.setAttribute("tabindex", i === focused ? "0" : "-1");
    if (hadFocus) buttons()[focused]?.focus();
    place(store.get());
  }
  const buttons = () => [...svg.querySelectorAll("[data-time]")];
  function place({ time }) {
    const current = buttons().findLast((bar) => Number(bar.dataset.time) <= time + 0.01);
    for (const bar of buttons()) bar.classList.toggle("now", bar === current);
  }

  svg.addEventListener("click", (event) => {
    const bar = event.target.closest("[data-time]");
    if (bar) player.seek(Number(bar.dataset.time));
  });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) {
      focused = Math.min(Math.max(focused + step, 0), buttons().length - 1);
      for (const [i, bar] of buttons().entries()) bar.setAttribute("tabindex", i === focused ? "0" : "-1");
      buttons()[focused].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      player.seek(Number(event.target.closest("[data-time]").dataset.time));
    } else return;
    event.preventDefault();
  });
  store.on(["figures"], draw);
  store.on(["time"], place);
  new ResizeObserver(draw).observe(svg.parentElement);
  draw();
}

const shownLabels = (labels, off) =>
  [...labels.values()].map((label, row) => ({ ...label, row })).filter(({ id }) => !off.includes(id));

function element(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

function bars(minutes, labels, room) {
  const count = minutes.edges.length - 1;
  const whole = { share: labels.map(({ row }) => minutes.overall[row]) };
  const each = Array.from({ length: count }, (_, i) => ({
    share: labels.map(({ row }) => minutes.share[row][i]),
    start: minutes.edges[i],
    end: minutes.edges[i + 1],
    isPart: minutes.analysed[i] < 0.995,
  }));
  const highest = Math.max(...[whole, ...each].map((bar) => bar.share.reduce((a, b) => a + b, 0)), 0.01);
  const top = STEPS.find((step) => step >= highest) ?? Math.ceil(highest);
  const pitch = Math.max(Math.min((room - AXIS - GAP - 4) / (count + 1), 160), 10);
  const width = Math.min(pitch * 0.7, 92);
  const total = Math.max(AXIS + GAP + pitch * (count + 1), room);
  const scale = { top, high: HEIGHT - TOP - FOOT, width };
  const svg = [...axis(scale, total), bar(whole, labels, AXIS, scale, "Overall")];
  const every = Math.max(1, Math.ceil(44 / pitch));
  each.forEach((minute, i) => {
    const words = i % every ? "" : clock(minute.start, 0);
    svg.push(bar(minute, labels, AXIS + GAP + pitch * (i + 1), scale, words));
  });
  const owner = document.getElementById("minutes");
  owner.setAttribute("viewBox", `0 0 ${total} ${HEIGHT}`);
  owner.style.width = `${total}px`;
  return svg;
}

function axis({ top, high }, total) {
  const [upper, lower] = [TOP + 0.5, TOP + high + 0.5];
  return [
    element("path", { d: `M${AXIS - 4} ${upper}H${total}`, class: "grid" }),
    element("path", { d: `M${AXIS - 4} ${lower}H${total}`, class: "base" }),
    element("text", { x: AXIS - 8, y: upper + 4, "text-anchor": "end" }, `${Math.round(top * 100)}\u202f%`),
    element("text", { x: AXIS - 8, y: lower, "text-anchor": "end" }, "0"),
  ];
}

function bar(values, labels, x, { top, high, width }, words) {
  const isWhole = values.start === undefined;
  const said = labels
    .filter((_, i) => values.share[i] > 0.0005)
    .map(({ name }, i, kept) => `${name} ${Math.round(values.share[labels.indexOf(kept[i])] * 100)}\u202f%`);
  const title = `${isWhole ? "Overall" : `${clock(values.start, 0)} to ${clock(values.end, 0)}`}: ${said.join(", ") || "none"}${values.isPart ? " (not all of it analysed)" : ""}`;
  const group = element("g", isWhole ? { class: "whole", role: "img" } : { "data-time": values.start, role: "button" });
  group.setAttribute("aria-label", title);
  group.append(element("title", {}, title));
  group.append(element("rect", { x: x - 2, y: 0, width: width + 4, height: HEIGHT, rx: 4, class: "hit" }));
  let y = TOP + high;
  labels.forEach(({ colour }, i) => {
    const tall = (values.share[i] / top) * high;
    if (tall < 0.3) return;
    y -= tall;
    group.append(element("rect", { x, y, width, height: Math.max(tall - 1, 0.6), fill: colour }));
  });
  group.append(element("text", { x: x + width / 2, y: HEIGHT - 4, "text-anchor": "middle" }, words));
  return group;
}
