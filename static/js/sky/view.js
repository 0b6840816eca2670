// One picture of the sky, however large: moved and zoomed, its numbers shown as greys, with marks on
// top. Nothing here knows the page around it.
import { clamp } from "../common/clock.js";
import { Blocks } from "./blocks.js";
import { compass, farFrom, marks, scaleBar } from "./overlays.js";
import { directions, pixelOf, skyOf } from "./plate.js";
import { painter } from "./stretch.js";

const CLOSEST = 64; // CSS pixels for a pixel of the picture
const KEY_STEP = 64; // CSS pixels for an arrow key
const DRAG_PX = 3;
const TRIED_AGAIN_MS = 5200;

/**
 * @typedef {object} Mark  something on the picture, at a pixel (0 is the centre of the first)
 * @property {number} x
 * @property {number} y
 * @property {"circle" | "cross" | "square" | "trail"} [kind]
 * @property {string} [label]
 * @property {number} [radius]  pixels of the picture
 * @property {number} [x2]  of a trail: where it ends
 * @property {number} [y2]
 * @property {string} [colour]  a CSS colour
 * @property {boolean} [chosen]
 */

/**
 * Events: "view" ({x, y, zoom}: the middle in pixels and CSS pixels a pixel), "cursor" (what `at`
 * gives, or null), "mark" (the mark that was clicked), "trouble" ({message}).
 */
export class SkyView extends EventTarget {
  #element;
  #canvas = document.createElement("canvas");
  #top = document.createElement("canvas");
  #blocks;
  #shape;
  #levels;
  #wcs;
  #up;
  #paint;
  #version = 0;
  #stretch;
  #overlays = [];
  #view = { x: 0, y: 0, zoom: 1 };
  #isFitted = true;
  #through = null; // from the shared frame to this picture's own pixels
  #back = null;
  #frame = 0;
  #sizes;
  #stop = new AbortController();
  #cursor = null; // in CSS pixels; null: nowhere
  #hasKeys = false;
  #isRead = false;

  /**
   * @param {HTMLElement} element  is filled; give it a size by CSS
   * @param {{tiles: string, block?: number, shape: [number, number], levels: number,
   *   wcs?: object | null, stretch: {low: number, high: number, curve?: string, invert?: boolean},
   *   overlays?: Mark[], bottomUp?: boolean, label?: string}} options  tiles: an address with
   *   PLACE for level-row-column; shape: height and width
   */
  constructor(element, { tiles, block = 256, shape, levels, wcs = null, stretch, overlays = [], bottomUp = true, label = "Picture of the sky" }) {
    super();
    this.#element = element;
    this.#shape = shape;
    this.#levels = levels;
    this.#wcs = wcs;
    this.#up = bottomUp ? -1 : 1;
    this.#overlays = overlays;
    this.#blocks = new Blocks({ tiles, block, shape, levels }, (error) => this.#came(error));
    element.classList.add("sky-view");
    Object.assign(element, { tabIndex: 0 });
    element.setAttribute("role", "application");
    element.setAttribute("aria-roledescription", "sky picture");
    element.setAttribute("aria-label", label);
    for (const canvas of [this.#canvas, this.#top]) {
      canvas.setAttribute("aria-hidden", "true");
      element.append(canvas);
    }
    this.setStretch(stretch);
    this.#listen();
    this.#sizes = new ResizeObserver(() => this.#resized());
    this.#sizes.observe(element);
    this.#resized();
  }

  get shape() {
    return this.#shape;
  }
  get wcs() {
    return this.#wcs;
  }
  get bottomUp() {
    return this.#up < 0;
  }
  get stretch() {
    return { ...this.#stretch };
  }
  /** {x, y, zoom}: of the shared frame where `placeBy` gave one. */
  get view() {
    return { ...this.#view };
  }
  get isLoading() {
    return this.#blocks.isLoading;
  }

  setStretch(stretch) {
    this.#stretch = { curve: "linear", invert: false, ...this.#stretch, ...stretch };
    this.#paint = painter(this.#stretch);
    this.#version += 1;
    this.#draw();
  }
  /** @param {Mark[]} overlays */
  setOverlays(overlays) {
    this.#overlays = overlays;
    this.#draw();
  }
  /** Look at a place; `isQuiet` tells nobody. */
  setView({ x, y, zoom }, isQuiet = false) {
    this.#isFitted = false;
    this.#move({ x, y, zoom }, isQuiet);
  }
  /** Show all of it. */
  fit() {
    const [height, width] = this.#shape;
    const [wide, high] = this.#size();
    this.#move({ x: (width - 1) / 2, y: (height - 1) / 2, zoom: Math.min(wide / width, high / height) || 1 });
    this.#isFitted = true;
  }
  zoomBy(factor, at = null) {
    const [wide, high] = this.#size();
    const [cx, cy] = at ?? [wide / 2, high / 2];
    const before = this.#frameAt(cx, cy);
    const zoom = clamp(this.#view.zoom * factor, this.#furthest(), CLOSEST);
    const dx = (cx - wide / 2) / zoom;
    const dy = ((cy - high / 2) * this.#up) / zoom;
    this.setView({ x: before[0] - dx, y: before[1] - dy, zoom });
  }
  /** By CSS pixels: what is right of and below the middle comes to it. */
  panBy(dx, dy) {
    const { x, y, zoom } = this.#view;
    this.setView({ x: x + dx / zoom, y: y + (dy * this.#up) / zoom, zoom });
  }
  /** Share the frame of another picture: functions from its pixels to this one's, and back. */
  placeBy(through, back, frameUp) {
    this.#through = through;
    this.#back = back;
    this.#up = frameUp ? -1 : 1;
    this.#draw();
  }
  /** Own pixel of a point in CSS pixels of the element. */
  pixelAt(cx, cy) {
    const at = this.#frameAt(cx, cy);
    return this.#through ? this.#through(...at) : at;
  }
  /** Where an own pixel is, in CSS pixels of the element. */
  pointOf(x, y) {
    const at = this.#back ? this.#back(x, y) : [x, y];
    const [wide, high] = this.#size();
    const { x: mx, y: my, zoom } = this.#view;
    return [wide / 2 + (at[0] - mx) * zoom, high / 2 + (at[1] - my) * zoom * this.#up];
  }
  /** @returns {{ra: number, dec: number} | null} */
  skyOf(x, y) {
    return this.#wcs ? skyOf(this.#wcs, x, y) : null;
  }
  /** @returns {[number, number] | null} */
  pixelOf(ra, dec) {
    return this.#wcs ? pixelOf(this.#wcs, ra, dec) : null;
  }
  /** The number of a pixel: NaN where it has none, null where it is not there. Waits for its block. */
  async value(x, y) {
    const [column, row] = [Math.round(x), Math.round(y)];
    const [height, width] = this.#shape;
    if (!(row >= 0 && column >= 0 && row < height && column < width)) return null;
    const size = this.#blocks.size;
    const block = await this.#blocks.load(0, Math.floor(row / size), Math.floor(column / size));
    return block ? block.values[(row % size) * block.width + (column % size)] : null;
  }
  destroy() {
    this.#stop.abort();
    this.#sizes.disconnect();
    cancelAnimationFrame(this.#frame);
    this.#blocks.close();
    this.#canvas.remove();
    this.#top.remove();
  }

  // --- where things are ---------------------------------------------------------------------
  #size() {
    return [this.#element.clientWidth, this.#element.clientHeight];
  }
  #furthest() {
    const [wide, high] = this.#size();
    const [height, width] = this.#shape;
    return Math.min(0.5, (0.5 * Math.min(wide / width, high / height)) || 0.5);
  }
  #frameAt(cx, cy) {
    const [wide, high] = this.#size();
    const { x, y, zoom } = this.#view;
    return [x + (cx - wide / 2) / zoom, y + ((cy - high / 2) * this.#up) / zoom];
  }
  #move({ x, y, zoom }, isQuiet = false) {
    if (![x, y, zoom].every(Number.isFinite)) return;
    const [height, width] = this.#shape;
    const inside = this.#through ? { x, y } : { x: clamp(x, -0.5, width - 0.5), y: clamp(y, -0.5, height - 0.5) };
    this.#view = { ...inside, zoom: clamp(zoom, this.#furthest(), CLOSEST) };
    this.#draw();
    if (!isQuiet) this.dispatchEvent(new CustomEvent("view", { detail: this.view }));
    this.#tellCursor();
  }
  #resized() {
    const ratio = devicePixelRatio || 1;
    const [wide, high] = this.#size();
    for (const canvas of [this.#canvas, this.#top]) {
      canvas.width = Math.round(wide * ratio);
      canvas.height = Math.round(high * ratio);
    }
    if (this.#isFitted && wide && high) this.fit();
    else this.#draw();
  }

  // --- drawing ------------------------------------------------------------------------------
  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#drawn());
  }
  #drawn() {
    const [wide, high] = this.#size();
    if (!wide || !high) return;
    const ratio = this.#canvas.width / wide;
    const [a, b, c, d, e, f] = this.#matrix();
    const context = this.#canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    context.setTransform(a * ratio, b * ratio, c * ratio, d * ratio, e * ratio, f * ratio);
    const zoom = Math.sqrt(Math.abs(a * d - b * c)) * ratio;
    const level = clamp(Math.floor(Math.log2(1 / zoom) + 0.25), 0, this.#levels - 1);
    context.imageSmoothingEnabled = zoom * 2 ** level < 1;
    const [height, width] = this.#shape;
    if (this.#inSight(this.#levels - 1).every((place) => this.#blocks.get(...place))) {
      context.fillStyle = getComputedStyle(this.#element).getPropertyValue("--sky-bad").trim() || "#53303f";
      context.fillRect(-0.5, -0.5, width, height); // shows where pixels have no number
    }
    const missing = [];
    for (let at = this.#levels - 1; at >= level; at -= 1) {
      if (at !== level && at !== this.#levels - 1 && !missing.length && at > level + 2) continue;
      for (const place of this.#inSight(at)) this.#drawBlock(context, place, at === level || at === this.#levels - 1 ? missing : null);
    }
    const [px, py] = this.pixelAt(wide / 2, high / 2);
    const size = this.#blocks.size;
    const middle = ([at, row, column]) => Math.hypot((column + 0.5) * size * 2 ** at - px, (row + 0.5) * size * 2 ** at - py);
    missing.sort((one, other) => other[0] - one[0] || middle(one) - middle(other));
    this.#blocks.want(missing);
    this.#element.dataset.loading = String(missing.length > 0);
    this.#drawTop(ratio, [wide, high], [clamp(px, 0, width - 1), clamp(py, 0, height - 1)]);
  }
  /** From own pixels to CSS pixels: exact in the middle of what is seen, straight around it. */
  #matrix() {
    const [wide, high] = this.#size();
    const [ox, oy] = this.pixelAt(wide / 2, high / 2);
    const reach = Math.max(1, Math.min(wide, high) / 2 / this.#view.zoom);
    const [mx, my] = this.pointOf(ox, oy);
    const [rx, ry] = this.pointOf(ox + reach, oy);
    const [ux, uy] = this.pointOf(ox, oy + reach);
    const [a, b, c, d] = [(rx - mx) / reach, (ry - my) / reach, (ux - mx) / reach, (uy - my) / reach];
    return [a, b, c, d, mx - a * ox - c * oy, my - b * ox - d * oy];
  }
  /** Blocks of a level that are in sight. */
  #inSight(level) {
    const [wide, high] = this.#size();
    const corners = [[0, 0], [wide, 0], [0, high], [wide, high]].map(([x, y]) => this.pixelAt(x, y));
    const side = this.#blocks.size * 2 ** level;
    const [height, width] = this.#blocks.levelShape(level);
    const range = (axis, length) => {
      const values = corners.map((corner) => corner[axis] + 0.5);
      const last = Math.ceil(length / this.#blocks.size) - 1;
      return [Math.max(0, Math.floor(Math.min(...values) / side)), Math.min(last, Math.floor(Math.max(...values) / side))];
    };
    const [[left, right], [first, last]] = [range(0, width), range(1, height)];
    const found = [];
    for (let row = first; row <= last; row += 1) {
      for (let column = left; column <= right; column += 1) found.push([level, row, column]);
    }
    return found;
  }
  #drawBlock(context, place, missing) {
    const block = this.#blocks.get(...place);
    if (!block) {
      missing?.push(place);
      return;
    }
    if (block.version !== this.#version) this.#repaint(block);
    const [level, row, column] = place;
    const pixel = 2 ** level;
    const side = this.#blocks.size * pixel;
    context.drawImage(block.canvas, column * side - 0.5, row * side - 0.5, block.width * pixel, block.height * pixel);
  }
  #repaint(block) {
    block.canvas ??= Object.assign(document.createElement("canvas"), { width: block.width, height: block.height });
    const image = new ImageData(block.width, block.height);
    this.#paint(block.values, new Uint32Array(image.data.buffer));
    block.canvas.getContext("2d").putImageData(image, 0, 0);
    block.version = this.#version;
  }
  #drawTop(ratio, size, middle) {
    const context = this.#top.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, ...size);
    const zoom = Math.hypot(...this.#matrix().slice(0, 2));
    marks(context, this.#overlays, (x, y) => this.pointOf(x, y), zoom, this.#element);
    const sky = this.#wcs ? directions(this.#wcs, ...middle) : null;
    scaleBar(context, size, zoom, sky?.arcsec ?? null);
    if (sky) compass(context, size, this.#onScreen(sky.north), this.#onScreen(sky.east));
    if (this.#hasKeys) crosshair(context, size);
  }
  #onScreen([dx, dy]) {
    const [a, b, c, d] = this.#matrix();
    const [x, y] = [a * dx + c * dy, b * dx + d * dy];
    const length = Math.hypot(x, y) || 1;
    return [x / length, y / length];
  }
  #came(error) {
    if (error) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: { message: error.message } }));
      setTimeout(() => this.#draw(), TRIED_AGAIN_MS);
    }
    this.#draw();
    this.#tellCursor();
  }

  // --- what a person does -------------------------------------------------------------------
  #listen() {
    const signal = { signal: this.#stop.signal };
    const on = (name, listen, options = {}) => this.#element.addEventListener(name, listen, { ...signal, ...options });
    const fingers = new Map();
    let start = null;
    let wasDragged = false;
    const at = (event) => {
      const rect = this.#element.getBoundingClientRect();
      return [event.clientX - rect.left, event.clientY - rect.top];
    };
    const begin = () => {
      start = { points: [...fingers.values()] };
    };
    on("wheel", (event) => {
      event.preventDefault();
      const lines = event.deltaMode ? 16 : 1;
      this.zoomBy(Math.exp(clamp(-event.deltaY * lines, -240, 240) * 0.002), at(event));
    }, { passive: false });
    on("pointerdown", (event) => {
      if (event.button) return;
      this.#hasKeys = false;
      fingers.set(event.pointerId, at(event));
      wasDragged = false;
      begin();
    });
    on("pointermove", (event) => {
      this.#cursor = at(event);
      if (!fingers.has(event.pointerId)) {
        this.#tellCursor();
        return;
      }
      const before = [...fingers.values()];
      const moved = Math.hypot(...[0, 1].map((i) => at(event)[i] - (start.points[0]?.[i] ?? 0)));
      if (!wasDragged && moved < DRAG_PX && fingers.size < 2) return;
      if (!wasDragged) this.#element.setPointerCapture(event.pointerId);
      wasDragged = true;
      fingers.set(event.pointerId, at(event));
      const now = [...fingers.values()];
      const [was, is] = [middleOf(before), middleOf(now)];
      this.panBy(was[0] - is[0], was[1] - is[1]);
      if (now.length > 1) this.zoomBy(spread(now) / spread(before), is);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      on(name, (event) => {
        const isClick = name === "pointerup" && fingers.has(event.pointerId) && !wasDragged;
        fingers.delete(event.pointerId);
        begin();
        if (isClick) this.#clicked(at(event));
      });
    }
    on("pointerleave", () => {
      this.#cursor = null;
      this.#tellCursor();
    });
    on("dblclick", (event) => this.zoomBy(2, at(event)));
    on("keydown", (event) => this.#key(event));
    on("focus", () => {
      this.#hasKeys = this.#element.matches(":focus-visible");
      this.#draw();
      this.#tellCursor();
    });
    on("blur", () => {
      this.#hasKeys = false;
      this.#draw();
    });
    addEventListener("themechange", () => this.#draw(), signal);
  }
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = event.shiftKey ? KEY_STEP / 8 : KEY_STEP;
    const does = {
      ArrowLeft: () => this.panBy(-step, 0),
      ArrowRight: () => this.panBy(step, 0),
      ArrowUp: () => this.panBy(0, -step),
      ArrowDown: () => this.panBy(0, step),
      "+": () => this.zoomBy(1.5),
      "=": () => this.zoomBy(1.5),
      "-": () => this.zoomBy(1 / 1.5),
      0: () => this.fit(),
      1: () => this.setView({ ...this.#view, zoom: 1 }),
    }[event.key];
    if (!does) return;
    event.preventDefault();
    this.#hasKeys = true;
    this.#cursor = null;
    does();
  }
  #clicked([cx, cy]) {
    const near = this.#overlays
      .map((mark) => ({ mark, far: farFrom(mark, [cx, cy], (x, y) => this.pointOf(x, y)) }))
      .filter(({ mark, far }) => far < (mark.x2 === undefined ? Math.max(14, (mark.radius ?? 0) * this.#view.zoom) : 14))
      .sort((one, other) => one.far - other.far)[0];
    if (near) this.dispatchEvent(new CustomEvent("mark", { detail: near.mark }));
  }
  #tellCursor() {
    const [wide, high] = this.#size();
    const point = this.#cursor ?? (this.#hasKeys ? [wide / 2, high / 2] : null);
    if (!point && !this.#isRead) return; // of several, those that nobody points at are silent
    this.#isRead = Boolean(point);
    this.dispatchEvent(new CustomEvent("cursor", { detail: point ? this.at(...point) : null }));
  }
  /** What is at a point of the element: own pixel, sky, and the number where it is loaded. */
  at(cx, cy) {
    const [x, y] = this.pixelAt(cx, cy);
    const [column, row] = [Math.round(x), Math.round(y)];
    const [height, width] = this.#shape;
    const isInside = row >= 0 && column >= 0 && row < height && column < width;
    const size = this.#blocks.size;
    const block = isInside ? this.#blocks.get(0, Math.floor(row / size), Math.floor(column / size)) : null;
    const value = block ? block.values[(row % size) * block.width + (column % size)] : null;
    return { x, y, isInside, value, sky: isInside ? this.skyOf(x, y) : null };
  }
}

function crosshair(context, [wide, high]) {
  context.strokeStyle = "#fff";
  context.lineWidth = 1;
  context.globalCompositeOperation = "difference";
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(wide / 2 + dx * 5, high / 2 + dy * 5);
    context.lineTo(wide / 2 + dx * 14, high / 2 + dy * 14);
  }
  context.stroke();
  context.globalCompositeOperation = "source-over";
}

const middleOf = (points) => [0, 1].map((i) => points.reduce((sum, point) => sum + point[i], 0) / points.length);
const spread = ([a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
