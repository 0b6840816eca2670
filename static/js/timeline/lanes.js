// The timeline: ruler, shots or the curve of a sound, one lane per brand, and what is said by whom,
// drawn on one canvas.
import { clock } from "../common/clock.js";
import { sharpen } from "../common/overlay.js";
import { paintTurns, speakerAt } from "./speakers.js";
import { drawTile } from "./sprites.js";
import { lineAt, paintWords } from "./words-lane.js";

export const RULER = 24;
export const SHOTS = 44;
const LANE = 28;
const TICKS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const SLOT = 76; // width of a picture in the row of shots

/**
 * @param {{data: object, store: import("./page.js").Store, sprites: object, frames: object,
 *   labels: Map<number, {name: string, colour: string}>}} options
 */
export function createLanes({ data, store, sprites, frames, labels }) {
  const body = document.getElementById("tl-body");
  const canvas = document.getElementById("tl-canvas");
  const names = () => [...body.querySelectorAll("[data-lane]")];
  const isSound = data.kind === "audio";
  let queued = 0;
  let [wordsAt, turnsAt, commentsAt] = [Infinity, Infinity, Infinity]; // where their lanes begin

  const draw = () => {
    queued ||= requestAnimationFrame(() => {
      queued = 0;
      paint();
    });
  };

  /** The lanes in view, from the top: those of brands that were found at all. */
  function lanesShown() {
    return names().filter((name) => !name.hidden).map((name) => Number(name.dataset.lane));
  }

  function nameLanes(state) {
    document.getElementById("tl-said-key").hidden = !Object.keys(state.said ?? {}).length;
    document.getElementById("tl-written-key").hidden = !Object.keys(state.written ?? {}).length;
    if (state.figures) document.getElementById("tl-frames").textContent = state.figures.frames;
    document.getElementById("tl-loud-key").hidden = !isSound || !state.outline?.standouts.start.length;
    const rows = state.figures?.lanes.rows ?? {};
    for (const name of names()) {
      const label = Number(name.dataset.lane);
      const isOff = state.off.includes(label);
      if (rows[label]?.start.length) name.dataset.found = "yes";
      const said = state.said?.[label]?.start.length ?? 0;
      const written = state.written?.[label]?.start.length ?? 0;
      name.hidden = !name.dataset.found && !isOff && !said && !written;
      name.classList.toggle("off", isOff);
      const count = state.figures?.counts[label] ?? 0;
      name.querySelector("em").textContent = isOff ? "" : countsIn(count, said, written);
      const told = [
        data.run ? `seen ${times(count)}` : "",
        said ? `said ${times(said)}` : "",
        written ? `written ${times(written)}` : "",
      ].filter(Boolean).join(", ");
      name.title = isOff ? "" : `${labels.get(label).name}: ${told}`;
      name.setAttribute("aria-label", `${labels.get(label).name}, ${isOff ? "left out" : told}`);
    }
  }

  function paint() {
    const state = store.get();
    const { ink, width, height } = sharpen(canvas);
    const style = getComputedStyle(canvas);
    const colour = (name) => style.getPropertyValue(name).trim();
    const [from, to] = state.shown;
    const x = (time) => ((time - from) / (to - from)) * width;
    const view = { ink, width, height, state, colour, x, from, to };
    paintRuler(view);
    paintWindow(view);
    let y = RULER;
    if (isSound) paintSound(view, y, SHOTS, data);
    else paintShots(view, y, { sprites, frames });
    y += SHOTS;
    for (const label of lanesShown()) {
      paintLine(view, y);
      paintLane(view, y, state.lanes?.rows[label], labels.get(label).colour);
      paintWritten(view, y, state.written?.[label], labels.get(label).colour);
      paintSaid(view, y, state.said?.[label], labels.get(label).colour);
      y += LANE;
    }
    if (data.peaks.length && !isSound) {
      paintSound(view, y, LANE, data);
      y += LANE;
    }
    wordsAt = state.lines.length ? y : Infinity;
    if (state.lines.length) {
      paintLine(view, y);
      paintWords(view, y, LANE);
      y += LANE;
    }
    turnsAt = state.turns ? y : Infinity;
    if (state.turns) {
      paintLine(view, y);
      paintTurns(view, y, LANE);
      y += LANE;
    }
    if (hasTopics(state)) {
      paintTopics(view, y);
      y += LANE;
    }
    commentsAt = state.comments.length ? y : Infinity;
    if (state.comments.length) paintComments(view, y);
    paintPlayhead(view, y);
  }

  store.on(["figures", "off", "said", "written", "outline"], (state) => {
    nameLanes(state);
    draw();
  });
  const nameRest = (state) => {
    const topics = document.getElementById("tl-topics");
    if (topics) topics.hidden = !hasTopics(state);
    document.getElementById("tl-words").hidden = !state.lines.length;
    document.getElementById("tl-speakers").hidden = !state.turns;
    document.getElementById("tl-comments").hidden = !state.comments.length;
    draw();
  };
  store.on(["outline", "comments", "turns", "lines"], nameRest);
  store.on(["lanes", "shown", "time", "window", "draft", "segments", "shots"], draw);
  new ResizeObserver(draw).observe(canvas);
  addEventListener("themechange", draw);
  nameLanes(store.get());
  nameRest(store.get());
  function rowAt(y) {
    if (y < RULER) return "ruler";
    if (y < RULER + SHOTS) return isSound ? "lane" : "shots";
    if (y >= wordsAt && y < wordsAt + LANE) return "words";
    if (y >= turnsAt && y < turnsAt + LANE) return "speakers";
    return y < commentsAt ? "lane" : "comments";
  }
  /** What a place of a row says, for the card at the pointer. */
  function says(y, time) {
    const state = store.get();
    const row = rowAt(y);
    if (row === "speakers") return speakerAt(state.turns, time);
    return row === "words" ? lineAt(state.lines, time) : "";
  }
  /** A lane for each of these brands, where no analysis has put them there. */
  function nameBrands(brands) {
    const made = brands.map(({ id, name }) => {
      const lane = Object.assign(document.createElement("button"), { type: "button", className: "name lane" });
      lane.dataset.lane = id;
      const title = Object.assign(document.createElement("span"), { className: "cut", textContent: name });
      lane.append(title, Object.assign(document.createElement("em"), { className: "wide" }));
      return lane;
    });
    document.getElementById("tl-brands").replaceChildren(...made);
    nameLanes(store.get());
    draw();
  }
  return { draw, canvas, names, rowAt, says, nameBrands };
}

/** Beside the name: how often it is seen, and said; what is written where there is room for it. */
function countsIn(seen, said, written) {
  const told = said ? `${said} said` : written && !seen ? `${written} written` : "";
  return [seen || (told ? "" : seen), told].filter((part) => part !== "").join(" · ");
}

const times = (count) => `${count} ${count === 1 ? "time" : "times"}`;

function tickStep(from, to, width) {
  const room = ((to - from) / width) * 88;
  return TICKS_S.find((step) => step >= room) ?? 7200;
}

function paintRuler({ ink, width, x, from, to, colour }) {
  const step = tickStep(from, to, width);
  ink.fillStyle = colour("--ink3");
  ink.strokeStyle = colour("--line");
  ink.lineWidth = 1;
  ink.font = "11px ui-sans-serif, system-ui, sans-serif";
  ink.textBaseline = "middle";
  ink.beginPath();
  for (let tick = Math.ceil(from / step - 1e-6); tick * step <= to; tick += 1) {
    const at = Math.round(x(tick * step)) + 0.5;
    ink.moveTo(at, RULER - 6);
    ink.lineTo(at, RULER);
    if (at < width - 36) ink.fillText(clock(tick * step, step < 1 ? 1 : 0), at + 4, RULER / 2);
  }
  ink.stroke();
}

function paintLine({ ink, width, colour }, y) {
  ink.fillStyle = colour("--line2");
  ink.fillRect(0, y, width, 1);
}

/** The chosen range, or the one being dragged. */
function paintWindow({ ink, width, height, state, colour, x }) {
  const range = state.draft ?? state.window;
  if (!range) return;
  const [left, right] = range.map(x);
  ink.fillStyle = colour("--accent");
  ink.globalAlpha = 0.1;
  ink.fillRect(left, 0, right - left, height);
  ink.globalAlpha = 1;
  for (const edge of [left, right]) if (edge >= 0 && edge <= width) ink.fillRect(edge - 0.5, 0, 1, height);
}

/**
 * The shots as blocks with a picture of each, as many pictures as fit. Where shots are narrower
 * than a picture can be read, a film strip stands for them.
 */
function paintShots(view, y, sources) {
  paintLine(view, y);
  const { ink, colour, state } = view;
  for (const [start, end] of blocks(view)) {
    const [left, right] = [view.x(start), view.x(end)];
    const wide = right - left - 2;
    if (wide < 1) continue;
    ink.save();
    ink.beginPath();
    ink.roundRect(left + 1, y + 6, wide, SHOTS - 12, 3);
    ink.fillStyle = colour("--line");
    ink.fill();
    ink.clip();
    const slots = Math.max(Math.round(wide / SLOT), 1);
    for (let slot = 0; slot < slots; slot += 1) {
      const from = start + ((end - start) * slot) / slots;
      const to = start + ((end - start) * (slot + 1)) / slots;
      const tile = tileFor((from + to) / 2, view, sources);
      ink.globalAlpha = showsAny(state, from, to) ? 1 : 0.35;
      if (tile) drawTile(ink, tile, left + 1 + (wide * slot) / slots, y + 6, wide / slots + 0.5, SHOTS - 12);
    }
    ink.restore();
  }
}

/** Stretches that each make one block: the shots, or equal parts where those are too many. */
function blocks({ from, to, width, state }) {
  const shots = state.shots.filter((start, i) => start < to && (state.shots[i + 1] ?? Infinity) > from);
  if (shots.length && width / shots.length >= 14) {
    return shots.map((start) => {
      const end = state.shots.find((other) => other > start) ?? state.duration;
      return [start, end];
    });
  }
  const step = ((to - from) / width) * SLOT;
  const first = Math.floor(from / step);
  const count = Math.ceil(to / step) - first;
  return Array.from({ length: count }, (_, i) => [
    (first + i) * step,
    Math.min((first + i + 1) * step, state.duration),
  ]);
}

/** The finer pictures of the segment once the strip's are further apart than what is drawn. */
function tileFor(time, { from, to, width }, { sprites, frames }) {
  const isClose = ((to - from) / width) * SLOT < sprites.pitch;
  const segment = isClose && frames ? frames.atHand(frames.segmentIndex(time)) : null;
  return (segment?.sprite && sprites.tileOf(segment.sprite, time)) || sprites.ofStrip(time);
}

/** Is any brand that counts on screen between the two times? */
function showsAny(state, from, to) {
  const rows = state.lanes?.rows;
  if (!rows) return true;
  return Object.values(rows).some((row) =>
    row.start.some((start, i) => !row.weak[i] && start < to && row.end[i] > from),
  );
}

function paintLane({ ink, width, x, from, to }, y, row, colour) {
  if (!row) return;
  ink.fillStyle = colour;
  for (let i = 0; i < row.start.length; i += 1) {
    if (row.end[i] < from || row.start[i] > to) continue;
    const left = Math.max(x(row.start[i]), -4);
    const right = Math.min(x(row.end[i]), width + 4);
    ink.globalAlpha = row.weak[i] ? 0.32 : 0.6 + 0.4 * row.density[i];
    ink.beginPath();
    const high = row.weak[i] ? 6 : 12;
    ink.roundRect(left, y + (LANE - high) / 2 + 0.5, Math.max(right - left, 2), high, 2);
    ink.fill();
  }
  ink.globalAlpha = 1;
}

/** When it is said: thin, below what is seen. */
function paintSaid({ ink, x, from, to }, y, row, colour) {
  if (!row) return;
  ink.fillStyle = colour;
  for (let i = 0; i < row.start.length; i += 1) {
    if (row.end[i] < from || row.start[i] > to) continue;
    const left = x(row.start[i]);
    ink.beginPath();
    ink.roundRect(left, y + LANE - 6, Math.max(x(row.end[i]) - left, 4), 4, 2);
    ink.fill();
  }
}

/** When its name can be read: thin and hollow, above what is seen. */
function paintWritten({ ink, x, from, to }, y, row, colour) {
  if (!row) return;
  ink.strokeStyle = colour;
  ink.lineWidth = 1;
  for (let i = 0; i < row.start.length; i += 1) {
    if (row.end[i] < from || row.start[i] > to) continue;
    const left = Math.round(x(row.start[i])) + 0.5;
    ink.beginPath();
    ink.roundRect(left, y + 2.5, Math.max(Math.round(x(row.end[i])) - left - 0.5, 4), 3, 1.5);
    ink.stroke();
  }
}

/** How loud it is, as bars about a middle; where it stands out in another colour, where there is room. */
function paintSound(view, y, room, { peaks, duration }) {
  paintLine(view, y);
  const { ink, width, colour, from, to, state } = view;
  const loud = room > LANE ? state.outline?.standouts : null;
  const [usual, standsOut] = [colour("--ink3"), colour("--warn")];
  ink.globalAlpha = 0.6;
  for (let left = 0; left < width; left += 3) {
    const [begins, ends] = [left, left + 3].map((x) => from + ((to - from) * x) / width);
    const start = Math.floor((begins / duration) * peaks.length);
    const end = Math.ceil((ends / duration) * peaks.length);
    const high = Math.max(...peaks.slice(Math.max(start, 0), Math.max(end, start + 1)), 0) * (room - 6);
    ink.fillStyle = loud?.start.some((at, i) => at < ends && loud.end[i] > begins) ? standsOut : usual;
    ink.fillRect(left, y + (room - Math.max(high, 1)) / 2, 1.6, Math.max(high, 1));
  }
  ink.globalAlpha = 1;
}

const hasTopics = ({ outline }) => Boolean(outline && (outline.topics.start.length || outline.standouts.start.length));

/** What is talked about, as blocks with their titles; where the sound stands out, as ticks below. */
function paintTopics(view, y) {
  paintLine(view, y);
  const { ink, width, colour, from, to, x, state } = view;
  const { topics, standouts } = state.outline;
  ink.font = "11px ui-sans-serif, system-ui, sans-serif";
  ink.textBaseline = "middle";
  for (let i = 0; i < topics.start.length; i += 1) {
    if (topics.end[i] < from || topics.start[i] > to) continue;
    const left = Math.max(x(topics.start[i]), -4) + 1;
    const wide = Math.min(x(topics.end[i]), width + 4) - left - 1;
    ink.save();
    ink.beginPath();
    ink.roundRect(left, y + 4, Math.max(wide, 2), LANE - 10, 3);
    ink.fillStyle = colour("--accent-soft");
    ink.fill();
    ink.clip();
    ink.fillStyle = colour("--ink2");
    if (wide > 28) ink.fillText(topics.title[i], left + 5, y + LANE / 2 - 1);
    ink.restore();
  }
  ink.fillStyle = colour("--warn");
  for (let i = 0; i < standouts.start.length; i += 1) {
    const left = x(standouts.start[i]);
    ink.fillRect(left, y + LANE - 4, Math.max(x(standouts.end[i]) - left, 3), 3);
  }
}

/** Where somebody said something: filled while it is open, hollow once it is resolved. */
function paintComments(view, y) {
  paintLine(view, y);
  const { ink, colour, from, to, x, state } = view;
  ink.fillStyle = colour("--accent");
  ink.strokeStyle = colour("--ink3");
  ink.lineWidth = 1.5;
  for (const { start, end, open } of state.comments) {
    if ((end ?? start) < from || start > to) continue;
    const left = x(start);
    if (end !== null) {
      ink.globalAlpha = 0.35;
      ink.fillRect(left, y + LANE / 2 - 1, Math.max(x(end) - left, 2), 3);
      ink.globalAlpha = 1;
    }
    ink.beginPath();
    ink.roundRect(left - 5, y + LANE / 2 - 5, 10, 10, [5, 5, 5, 0]);
    if (open) ink.fill();
    else ink.stroke();
  }
}

function paintPlayhead({ ink, width, height, state, colour, x }) {
  const at = Math.round(x(state.time)) + 0.5;
  if (at < -6 || at > width + 6) return;
  ink.fillStyle = colour("--ink");
  ink.fillRect(at - 0.75, RULER - 4, 1.5, height - RULER + 4);
  ink.beginPath();
  ink.roundRect(at - 4.5, RULER - 9, 9, 7, 2);
  ink.fill();
}
