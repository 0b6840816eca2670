// The graph as SVG: a mark for each thing, whose shape says what it is, and a line for each pair.
import { createView } from "./view.js";

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 48;
const LETTER = 6.8; // pixels, about
const LINE = 15;
const GAP = 3; // between a mark and its name
const LONGEST = 28; // letters of a name

const el = (name, attributes = {}) => {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const round = (n) => Math.round(n * 10) / 10;

/**
 * @param {{nodes: object[], edges: number[][], onNode: (n: number) => void, onEdge: (n: number) => void}} options
 *   edges: [a, b, windows, lift, shrunk, npmi], a and b being places among the nodes
 */
export function createDrawing({ nodes, edges, onNode, onEdge }) {
  const svg = document.getElementById("graph");
  const most = Math.max(...nodes.map(({ windows }) => windows), 1);
  const size = ({ windows }) => 5 + 11 * Math.sqrt(windows / most);
  const byWeight = nodes.map((_, n) => n).sort((a, b) => nodes[b].windows - nodes[a].windows);
  const view = createView(svg, document.getElementById("graph-view"), scaled);
  let places = [];
  let here = byWeight[0];

  const lines = edges.map(([a, b, windows, lift, , npmi], n) => {
    const group = el("g", { class: "edge" });
    const seen = el("line", { class: "seen", "stroke-width": round(1 + 4 * Math.max(npmi, 0)) });
    const touch = el("line", { class: "touch", "stroke-width": 12 });
    const title = el("title");
    title.textContent = `${nodes[a].name} with ${nodes[b].name}: ${lift.toFixed(1)} times as often as by chance, in ${of(windows, "window")}`;
    group.append(seen, touch, title);
    group.addEventListener("click", () => onEdge(n));
    return group;
  });
  const marks = nodes.map((node, n) => {
    const group = el("g", { class: "node", role: "button", tabindex: "-1", "aria-label": told(node) });
    if (node.colour) group.style.setProperty("--c", node.colour);
    const wide = size(node) * 2;
    const mark = el("use", { class: "mark", href: `#kind-${node.kind}`, x: -wide / 2, y: -wide / 2, width: wide, height: wide });
    const name = el("text", { x: wide / 2 + GAP, dy: "0.35em" });
    name.textContent = node.name.length > LONGEST ? `${node.name.slice(0, LONGEST - 1)}…` : node.name;
    const title = el("title");
    title.textContent = told(node);
    group.append(mark, name, title);
    group.addEventListener("click", () => onNode(n));
    group.addEventListener("focus", () => {
      here = n;
      view.reveal(places[n]);
    });
    return group;
  });
  document.getElementById("graph-edges").append(...lines);
  document.getElementById("graph-nodes").append(...marks);

  function place() {
    const [wide, high] = [svg.clientWidth - 2 * MARGIN - 60, svg.clientHeight - 2 * MARGIN];
    places = nodes.map(({ x, y }) => [MARGIN + x * wide, MARGIN + y * high]);
    for (const [n, [a, b]] of edges.entries()) {
      for (const line of lines[n].querySelectorAll("line")) {
        const ends = { x1: places[a][0], y1: places[a][1], x2: places[b][0], y2: places[b][1] };
        for (const [key, value] of Object.entries(ends)) line.setAttribute(key, round(value));
      }
    }
    view.fit();
  }

  /** Marks and names keep their size; a name that would lie on another or on a mark waits for a closer look. */
  function scaled(scale) {
    if (!places.length) return;
    const at = places.map(([x, y]) => [x * scale, y * scale]);
    const rooms = nodes.map((node, n) => around(at[n], size(node)));
    const taken = [];
    for (const n of byWeight) {
      const text = marks[n].querySelector("text");
      const left = rooms[n].right + GAP;
      const room = { left, right: left + text.textContent.length * LETTER, top: at[n][1] - LINE / 2, bottom: at[n][1] + LINE / 2 };
      const isFree = !taken.some((other) => meet(other, room)) && !rooms.some((other) => meet(other, room));
      marks[n].setAttribute("transform", `translate(${places[n].map(round).join(" ")}) scale(${1 / scale})`);
      text.classList.toggle("is-hidden", !isFree);
      if (isFree) taken.push(room);
    }
  }

  /** The nearest thing in a direction from another; null where there is none. */
  function towards(from, [dx, dy]) {
    let best = null;
    for (const [n, [x, y]] of places.entries()) {
      const [right, down] = [x - places[from][0], y - places[from][1]];
      const along = right * dx + down * dy;
      const aside = Math.abs(right * dy - down * dx);
      if (n === from || along <= 0 || aside > along * 1.5) continue;
      const cost = along + 2 * aside;
      if (!best || cost < best.cost) best = { n, cost };
    }
    return best?.n ?? null;
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  svg.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const isOnNode = event.target.closest(".node");
    if (arrow && event.shiftKey) view.pan(-arrow[0] * 60, -arrow[1] * 60);
    else if (arrow) marks[isOnNode ? (towards(here, arrow) ?? here) : here].focus();
    else if ((event.key === "Enter" || event.key === " ") && isOnNode) onNode(here);
    else if ((event.key === "Enter" || event.key === " ") && !isOnNode) marks[here].focus();
    else if (event.key === "+" || event.key === "=") view.zoom(1.5);
    else if (event.key === "-") view.zoom(1 / 1.5);
    else if (event.key === "0") view.fit();
    else return;
    event.preventDefault();
  });
  for (const [id, act] of [["more", () => view.zoom(1.5)], ["less", () => view.zoom(1 / 1.5)], ["fit", view.fit]]) {
    document.getElementById(`graph-${id}`).addEventListener("click", act);
  }
  new ResizeObserver(place).observe(svg);
  place();

  return {
    focus: (n) => marks[n].focus(),
    /** Show what is chosen and what is beside it; all of it alike where nothing is. */
    choose({ node = null, edge = null } = {}) {
      svg.classList.toggle("has-choice", node !== null || edge !== null);
      const near = new Set(edge === null ? [] : edges[edge].slice(0, 2));
      for (const [n, line] of lines.entries()) {
        const isNear = node !== null && edges[n].slice(0, 2).includes(node);
        if (isNear) near.add(edges[n][0]).add(edges[n][1]);
        line.classList.toggle("is-near", isNear);
        line.classList.toggle("is-chosen", n === edge);
      }
      for (const [n, mark] of marks.entries()) {
        mark.classList.toggle("is-near", near.has(n));
        mark.classList.toggle("is-chosen", n === node);
      }
    },
    find(found) {
      for (const [n, mark] of marks.entries()) mark.classList.toggle("is-found", found.has(n));
    },
  };
}

const around = ([x, y], half) => ({ left: x - half, right: x + half, top: y - half, bottom: y + half });
const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

const of = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

const KINDS = { brand: "Brand", person: "Person", topic: "Topic", asset: "Asset" };

/** What a thing is, in a line. */
export function told({ name, kind, windows, assets }) {
  return `${name}. ${KINDS[kind]}, in ${of(windows, "window")} of ${of(assets, "asset")}`;
}
