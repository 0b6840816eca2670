// One analysed frame at full size, its boxes, and what is known of each.
import { clamp, clock } from "../common/clock.js";
import { isTyping, singleKeysOn } from "../keys.js";
import { boxesAt, showsBrand } from "./frames-data.js";
import { wireJudging } from "./judging.js";
import { createMissed } from "./missed.js";
import { wireNotThis } from "./not-this.js";
import { drawBoxes, sharpen, thinned } from "../common/overlay.js";

const TRIES = 20;

/** @param {{run: object, store: import("./page.js").Store, player: object, frames: object,
 *   labels: Map}} options */
export function createFrameView({ run, store, player, frames, labels, refresh }) {
  const sheet = document.getElementById("frame-view");
  const image = document.getElementById("frame-image");
  const still = document.getElementById("frame-still");
  const boxesOn = document.getElementById("frame-boxes");
  const note = document.getElementById("frame-note");
  const list = document.getElementById("found");
  const row = document.getElementById("found-row");
  let place = null; // {index, at, segment}
  let boxes = [];
  let chosen = null;
  const hidden = new Set();
  const missed = createMissed({ player, labels, url: run.urls.judge, onSaid: refresh, onMove: () => sheet.open && lay() });
  const { view } = missed.drawing;

  /** @param {number} time @param {{isDrawing?: boolean}} options  draw at once what was missed */
  async function open(time, { isDrawing = false } = {}) {
    player.pause();
    const index = frames.segmentIndex(time);
    const segment = await frames.load(index);
    if (!segment?.times.length) {
      sayNothingHere();
      return;
    }
    if (!sheet.open) sheet.showModal();
    const near = frames.frameAt(time);
    view.setSize(player.size());
    view.fit();
    const arrived = go(near ? { index: near.frames.index, at: near.at, segment: near.frames } : { index, at: 0, segment });
    if (isDrawing) missed.toggle(true);
    await arrived;
  }

  function sayNothingHere() {
    dispatchEvent(new CustomEvent("sightline:tell", { detail: { text: "This part is not analysed yet.", kind: "info" } }));
  }

  /** What was said of boxes counts now: the same frame again. */
  store.on(["figures"], async () => {
    if (!sheet.open || !place) return;
    const segment = await frames.load(place.index);
    if (!segment || segment === place.segment) return;
    place = { ...place, segment };
    boxes = boxesAt(segment, place.at, segment.times[place.at], store.get()).sort((a, b) => b.confidence - a.confidence);
    listBoxes();
    draw();
  });

  async function go(next) {
    place = next;
    document.getElementById("judged").hidden = true;
    hidden.clear();
    chosen = null;
    const time = next.segment.times[next.at];
    player.seek(time);
    missed.show(time);
    boxes = boxesAt(next.segment, next.at, time, store.get()).sort((a, b) => b.confidence - a.confidence);
    document.getElementById("frame-title").textContent = `Frame at ${clock(time, 3)}`;
    document.getElementById("frame-count").textContent = `${next.at + 1} of ${next.segment.times.length} in this part`;
    linkDownloads(time);
    listBoxes();
    image.hidden = true;
    drawStill();
    draw();
    await fetchPicture(time);
  }

  /** The neighbouring analysed frame; with `isBrand`, the next one that shows a brand. */
  async function step(direction, isBrand) {
    if (!place) return;
    let { index, at, segment } = place;
    while (segment) {
      at += direction;
      if (at < 0 || at >= segment.times.length) {
        index += direction;
        segment = await frames.load(clamp(index, -1, store.get().segments.length));
        if (!segment) return;
        at = direction > 0 ? 0 : segment.times.length - 1;
      }
      if (segment.times.length && (!isBrand || showsBrand(segment, at, store.get()))) {
        await go({ index, at, segment });
        return;
      }
    }
  }

  function linkDownloads(time) {
    document.getElementById("frame-picture").href = `${run.urls.picture}?t=${time}&download=1`;
    document.getElementById("frame-analysis").href = `${run.urls.analysis}?t=${time}`;
  }

  function listBoxes() {
    list.replaceChildren(...boxes.map(listRow));
    document.getElementById("found-none").hidden = boxes.length > 0;
  }

  function listRow(box, i) {
    const made = row.content.firstElementChild.cloneNode(true);
    const { name, colour } = labels.get(box.label);
    made.style.setProperty("--c", colour);
    made.classList.toggle("weak", box.weak);
    made.querySelector("[data-name]").textContent = name;
    made.querySelector("[data-confidence]").textContent = box.confidence.toFixed(2);
    made.querySelector("[data-facts]").textContent = factsOf(box);
    const why = made.querySelector("[data-why]");
    const number = numberOf(place.segment.times[place.at], box.place);
    why.hidden = box.place < 0;
    why.href = run.urls.why.replace("/0", `/${number}`);
    why.setAttribute("aria-label", `Why is this ${name}?`);
    const alike = made.querySelector("[data-alike]");
    alike.dataset.alike = box.xyxy.join();
    alike.dataset.time = place.segment.times[place.at];
    alike.setAttribute("aria-label", `Find what looks like this ${name}`);
    wireJudging(made, { box, number, name, labels, url: run.urls.judge, onSaid: refresh });
    wireNotThis(made, { box, time: place.segment.times[place.at], label: labels.get(box.label), url: run.urls.notThis });
    for (const kind of ["pointerenter", "pointerdown", "focusin"]) made.addEventListener(kind, () => choose(box));
    made.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && choose(null));
    made.querySelector("input").addEventListener("change", (event) => {
      if (event.target.checked) hidden.delete(i);
      else hidden.add(i);
      draw();
    });
    return made;
  }

  /** The box that somebody points to in the list, or on the picture; null: none. */
  function choose(box) {
    if (box === chosen) return;
    chosen = box;
    draw();
  }

  /** Touched or clicked on the picture: the smallest box there. */
  function chooseAt({ clientX, clientY }) {
    const lies = boxesOn.getBoundingClientRect();
    const [x, y] = [(clientX - lies.left - view.x) / view.width, (clientY - lies.top - view.y) / view.height];
    const area = ({ xyxy: [x1, y1, x2, y2] }) => (x2 - x1) * (y2 - y1);
    const there = boxes.filter(({ xyxy: [x1, y1, x2, y2] }, i) => !hidden.has(i) && x >= x1 && x <= x2 && y >= y1 && y <= y2);
    choose(there.sort((a, b) => area(a) - area(b))[0] ?? null);
  }

  /** The full picture comes from a worker; until then the player's own stands in. */
  async function fetchPicture(time) {
    const asked = place;
    note.hidden = true;
    for (let tries = 0; tries < TRIES && sheet.open && place === asked; tries += 1) {
      const response = await fetch(`${run.urls.picture}?t=${time}`).catch(() => null);
      if (place !== asked || !response) return;
      if (response.status === 200) return showPicture((await response.json()).url, asked);
      if (response.status !== 202) {
        note.textContent = (await response.json().catch(() => ({}))).detail || "The full picture could not be made.";
        note.hidden = false;
        return;
      }
      note.textContent = "The full picture is being cut out; this is the player's.";
      note.hidden = false;
      await new Promise((resolve) => setTimeout(resolve, 300 + 200 * tries));
    }
  }

  function showPicture(url, asked) {
    const loading = new Image();
    loading.addEventListener("load", () => {
      if (place !== asked) return;
      image.src = url;
      image.hidden = false;
      note.hidden = true;
    });
    loading.src = url;
  }

  function drawStill() {
    const { ink } = sharpen(still);
    if (player.isPicture || player.media.readyState >= 2) {
      ink.drawImage(player.media, view.x, view.y, view.width, view.height);
    }
  }

  function draw() {
    const { x, y, width, height } = view;
    const shown = boxes.filter((_, i) => !hidden.has(i));
    drawBoxes(boxesOn, thinned(shown, chosen, width), { size: player.size(), labels, rect: { x, y, width, height } });
  }

  /** Put everything where the picture lies now. */
  function lay() {
    const { x, y, width, height } = view;
    Object.assign(image.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    drawStill();
    draw();
  }

  boxesOn.parentElement.addEventListener("pointerdown", chooseAt);
  wire({ sheet, step, drawStill, player, missed });
  return { open, isOpen: () => sheet.open };
}

/** The number by which a box is asked about: of its time and its place in the frame. */
const numberOf = (time, at) => Math.round(time * 1e6) * 1000 + at;

function factsOf({ track, xyxy: [x1, y1, x2, y2], clarity, known, weak }) {
  const facts = [`${((x2 - x1) * (y2 - y1) * 100).toFixed(1)}\u202f% of the frame`];
  if (clarity !== null) facts.push(`clarity ${Math.round(clarity * 100)}\u202f%`);
  if (known !== "detected") facts.push(known);
  if (track >= 0) facts.push(`track ${track}`);
  if (weak) facts.push("below the confidence");
  return facts.join(" · ");
}

function wire({ sheet, step, drawStill, player, missed }) {
  sheet.addEventListener("keydown", (event) => {
    if (isTyping(event.target) || event.target.closest("[type=radio]")) return;
    if (missed.key(event) || isSwitch(event, missed)) {
      event.preventDefault();
      return;
    }
    const direction = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!direction || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    step(direction, event.shiftKey);
  });
  document.getElementById("frame-before").addEventListener("click", (event) => step(-1, event.shiftKey));
  document.getElementById("frame-after").addEventListener("click", (event) => step(1, event.shiftKey));
  sheet.addEventListener("click", (event) => event.target === sheet && sheet.close());
  player.media.addEventListener("seeked", () => sheet.open && drawStill());
  sheet.addEventListener("close", () => missed.toggle(false));
}

/** D begins to draw; Esc lets go of what is drawn, and only then closes the sheet. */
function isSwitch(event, missed) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Escape" && missed.isOn()) missed.toggle(false);
  else if (event.key.toLowerCase() === "d" && singleKeysOn()) missed.toggle();
  else return false;
  return true;
}
