// Line charts as SVG, drawn from numbers. Beside each stands a table with the same.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = 480;
const HEIGHT = 256;
const LEFT = 44;
const BOTTOM = 42; // for the numbers, and under them what they count
const TOP = 8;
const RIGHT = 10;

/** An SVG element with these attributes. */
export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

/**
 * Steps of 1, 2 or 5 times a power of ten that cover [low, high] with about `n` lines.
 * @returns {number[]}
 */
export function ticks(low, high, n = 5) {
  if (!(high > low)) return [low];
  const raw = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5, 10].find((m) => m * power >= raw) || 10);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

const said = (value) => String(Number(value.toPrecision(6)));

/**
 * @param {HTMLElement} place
 * @param {{label: string, series: {name: string, points: [number, number][], kind?: string}[],
 *   x: {title: string, range?: [number, number], whole?: boolean}, y: {title: string, range?: [number, number], low?: boolean}}} chart
 */
export function drawLines(place, { label, series, x, y }) {
  const drawn = series.filter((s) => s.points.length);
  const all = drawn.flatMap((s) => s.points);
  if (!all.length) return place.replaceChildren();
  const xs = x.range || [Math.min(...all.map((p) => p[0])), Math.max(...all.map((p) => p[0]))];
  const ys = y.range || [0, Math.max(...all.map((p) => p[1])) * 1.05 || 1];
  if (xs[0] === xs[1]) xs[1] = xs[0] + 1;
  const toX = (v) => LEFT + ((v - xs[0]) / (xs[1] - xs[0])) * (WIDTH - LEFT - RIGHT);
  const toY = (v) => HEIGHT - BOTTOM - ((v - ys[0]) / (ys[1] - ys[0])) * (HEIGHT - BOTTOM - TOP);
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label });
  picture.append(grid(xs, ys, toX, toY, x, y));
  drawn.forEach((s) => picture.append(line(s, toX, toY, series.indexOf(s) + 1)));
  const reading = document.createElement("p");
  reading.className = "reading small quiet tnum";
  place.replaceChildren(picture, legend(drawn, series), reading);
  follow(picture, reading, drawn, { x, toX, xs });
}

function grid(xs, ys, toX, toY, x, y) {
  const group = svg("g", { class: "grid" });
  for (const v of ticks(ys[0], ys[1], 4)) {
    group.append(
      svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: toY(v), y2: toY(v) }),
      svg("text", { x: LEFT - 6, y: toY(v) + 4, "text-anchor": "end" }, said(v)),
    );
  }
  for (const v of ticks(xs[0], xs[1], 6)) {
    if (x.whole && !Number.isInteger(v)) continue;
    group.append(svg("text", { x: toX(v), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, said(v)));
  }
  if (x.title) group.append(svg("text", { x: WIDTH - RIGHT, y: HEIGHT - 6, "text-anchor": "end", class: "axis" }, x.title));
  const height = y.low ? HEIGHT - BOTTOM - 6 : TOP + 10; // where the lines leave room
  if (y.title) group.append(svg("text", { x: LEFT + 4, y: height, class: "axis" }, y.title));
  return group;
}

function line({ points, kind = "line" }, toX, toY, number) {
  const group = svg("g", { class: `series s${number} ${kind}` });
  const place = points.map(([a, b]) => `${toX(a).toFixed(1)},${toY(b).toFixed(1)}`);
  if (kind !== "dots") group.append(svg("polyline", { points: place.join(" ") }));
  if (kind === "dots" || points.length < 3) {
    for (const [a, b] of points) group.append(svg("circle", { cx: toX(a), cy: toY(b), r: 3.5 }));
  }
  return group;
}

function legend(drawn, series) {
  const list = document.createElement("ul");
  list.className = "legend small";
  for (const s of drawn) {
    const item = document.createElement("li");
    const mark = document.createElement("span");
    mark.className = `mark s${series.indexOf(s) + 1} ${s.kind || "line"}`;
    item.append(mark, s.name);
    list.append(item);
  }
  return list;
}

/** Under the pointer: what each line says there. */
function follow(picture, reading, drawn, { x, toX, xs }) {
  const cursor = svg("line", { class: "cursor", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
  picture.append(cursor);
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * WIDTH;
    const value = xs[0] + ((at - LEFT) / (WIDTH - LEFT - RIGHT)) * (xs[1] - xs[0]);
    const near = drawn.map((s) => [s.name, s.points.reduce((a, b) => (Math.abs(b[0] - value) < Math.abs(a[0] - value) ? b : a))]);
    const where = near[0][1][0];
    cursor.setAttribute("x1", toX(where));
    cursor.setAttribute("x2", toX(where));
    cursor.setAttribute("visibility", "visible");
    reading.textContent = `${x.title} ${said(where)}: ${near.map(([name, p]) => `${name} ${Number(p[1].toFixed(3))}`).join(", ")}`;
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    reading.textContent = "";
  });
}
