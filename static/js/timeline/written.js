// What is written on the picture: a list that follows the player, and the box of a chosen line on it.
import { clock } from "../common/clock.js";
import { drawBoxes } from "../common/overlay.js";
import { wireLineEdits } from "./written-edits.js";

const WAIT_MS = 150;
const KINDS = { overlay: "Overlay", scene: "Scene" };
const COLOUR = "#f2b01e";

/** Without case and accents. */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** @param {{player: object, store: import("./page.js").Store}} options */
export function wireWritten({ player, store }) {
  const pane = document.getElementById("pane-written");
  if (!pane) return;
  let shown = start({ player, store, pane });
  document.body.addEventListener("text-progress", () => shown?.load());
  document.body.addEventListener("text-over", async () => {
    if (pane.contains(document.activeElement) && document.activeElement.matches("input")) return;
    if (!(await renew(pane))) return;
    shown?.stop();
    shown = start({ player, store, pane });
  });
}

function start({ player, store, pane }) {
  const written = JSON.parse(document.getElementById("written-data")?.textContent ?? "null");
  if (!written) return null;
  const stopped = new AbortController();
  const { signal } = stopped;
  const [list, note, found] = ["written", "written-note", "written-found"].map((id) => document.getElementById(id));
  const [field, kind, button] = ["written-find", "written-kind", "written-follow"].map((id) => document.getElementById(id));
  const canvas = document.getElementById("written-box");
  let lines = [];
  let rows = new Map(); // by line
  let chosen = null;
  let here = new Set();
  let follows = true;

  const edits = wireLineEdits({ written, list, signal, put });

  /** A line as it reads now; one that nobody wrote stays, struck through, so that it can be taken back. */
  function put(line) {
    const before = rows.get(line.id);
    if (!before) return;
    lines[lines.findIndex((one) => one.id === line.id)] = line;
    const now = row(line, player.isPicture);
    now.classList.toggle("here", before.classList.contains("here"));
    const hadFocus = before.contains(document.activeElement);
    before.replaceWith(now);
    rows.set(line.id, now);
    if (chosen?.id === line.id) choose(line);
    if (hadFocus) now.querySelector("button").focus();
    filter();
  }

  const lineOf = (item) => lines.find((line) => line.id === Number(item.dataset.line));

  async function load() {
    const response = await fetch(written.lines, { signal }).catch(() => null);
    if (!response?.ok) return;
    const answer = await response.json();
    lines = answer.lines;
    rows = new Map(lines.map((line) => [line.id, row(line, player.isPicture)]));
    list.replaceChildren(...rows.values());
    chosen = lines.find((line) => line.id === chosen?.id) ?? null;
    note.hidden = lines.length > 0 && !answer.more;
    if (answer.more) note.textContent = "There is more than one page can show: take it away as a file.";
    else if (answer.over && !lines.length) note.textContent = "Nothing is written on it.";
    filter();
    mark();
  }

  function filter() {
    const wanted = plain(field.value).trim();
    let n = 0;
    for (const line of lines) {
      const fits = plain(line.text).includes(wanted) && (!kind.value || line.kind === kind.value);
      rows.get(line.id).hidden = !fits;
      n += fits;
    }
    found.textContent = wanted || kind.value ? `${n} of ${lines.length}` : "";
  }

  /** Which lines are on screen now. */
  function mark() {
    const { pictureTime } = store.get();
    const now = new Set(player.isPicture ? [] : lines.filter((line) => isOn(line, pictureTime)).map((line) => line.id));
    for (const id of here) if (!now.has(id)) rows.get(id)?.classList.remove("here");
    const came = [...now].filter((id) => !here.has(id));
    for (const id of now) rows.get(id)?.classList.add("here");
    here = now;
    if (follows && came.length) reveal(rows.get(came[0]));
    draw();
  }

  function reveal(element) {
    if (!element || element.hidden || !list.clientHeight) return;
    const [room, rect] = [list.getBoundingClientRect(), element.getBoundingClientRect()];
    if (rect.top < room.top || rect.bottom > room.bottom) list.scrollTop += rect.top - room.top - list.clientHeight / 3;
  }

  function draw() {
    const { pictureTime } = store.get();
    const isSeen = chosen && !pane.hidden && (player.isPicture || isOn(chosen, pictureTime));
    const labels = new Map([["written", { name: chosen?.text.slice(0, 40), colour: COLOUR }]]);
    const box = isSeen && { xyxy: boxAt(chosen, pictureTime), label: "written", confidence: chosen.sure };
    drawBoxes(canvas, box ? [box] : [], { size: player.size(), labels });
  }

  function follow(on) {
    follows = on;
    button.hidden = on || player.isPicture;
    if (on && here.size) reveal(rows.get([...here][0]));
  }

  function choose(line) {
    rows.get(chosen?.id)?.removeAttribute("aria-current");
    chosen = line;
    rows.get(line.id).setAttribute("aria-current", "true");
    player.pause();
    if (!player.isPicture) player.seek(line.start);
    draw();
  }

  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(filter, WAIT_MS);
  }, { signal });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      filter();
    } else if (event.key === "Enter" || event.key === "ArrowDown") {
      event.preventDefault();
      list.querySelector("li:not([hidden]) button")?.focus();
    }
  }, { signal });
  kind.addEventListener("change", filter, { signal });
  list.addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (!item) return;
    choose(lineOf(item));
    if (list.classList.contains("correcting")) edits.open(lineOf(item), rows.get(Number(item.dataset.line)));
  }, { signal });
  list.addEventListener("dblclick", (event) => {
    const item = event.target.closest("li");
    if (item) edits.open(lineOf(item), item);
  }, { signal });
  list.addEventListener("keydown", (event) => {
    const item = event.target.closest("li");
    const key = event.key.toLowerCase();
    const isBack = key === "z" && (event.ctrlKey || event.metaKey);
    if (item && (isBack || (key === "e" && !event.ctrlKey && !event.metaKey && !event.altKey))) {
      event.preventDefault();
      event.stopPropagation();
      if (isBack) edits.undo(lineOf(item));
      else edits.open(lineOf(item), item);
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    follow(false);
    const seen = [...list.querySelectorAll("li:not([hidden]) button")];
    seen[seen.indexOf(document.activeElement) + step]?.focus();
  }, { signal });
  for (const event of ["wheel", "touchmove"]) {
    list.addEventListener(event, () => follow(false), { signal, passive: true });
  }
  button.addEventListener("click", () => follow(true), { signal });
  const isLive = (listen) => () => !signal.aborted && listen();
  store.on(["pictureTime"], isLive(mark));
  new ResizeObserver(isLive(draw)).observe(canvas);
  new MutationObserver(isLive(draw)).observe(pane, { attributeFilter: ["hidden"] });
  load();
  return { load, stop: () => stopped.abort() };
}

const isOn = (line, time) => line.start <= time + 1e-3 && time < line.end;

/** Where a line is at a time: between two looks it moves on a straight line. */
export function boxAt(line, time) {
  const after = line.path.findIndex(([at]) => at > time);
  if (!line.path.length) return line.box;
  if (after <= 0) return line.path.at(after === 0 ? 0 : -1).slice(1);
  const [[from, ...one], [to, ...other]] = [line.path[after - 1], line.path[after]];
  const share = (time - from) / (to - from || 1);
  return one.map((side, n) => side + (other[n] - side) * share);
}

function row(line, isPicture) {
  const item = document.createElement("li");
  item.dataset.line = line.id;
  const button = document.createElement("button");
  button.type = "button";
  const when = part("when num", isPicture ? "" : clock(line.start, 1));
  const words = part("words", line.text || line.was);
  words.dir = "auto";
  if (line.edit) {
    words.classList.add(line.text ? "edited" : "taken-out");
    words.title = line.text ? `Read as “${line.was}”` : "Somebody said that this is not written there";
  }
  const lasts = part("lasts num quiet", isPicture ? "" : `${(line.end - line.start).toFixed(1)} s`);
  const kind = part("kind-chip small quiet", KINDS[line.kind] ?? "");
  button.append(when, words, lasts, kind);
  item.append(button);
  return item;
}

function part(name, text) {
  const element = document.createElement("span");
  element.className = name;
  element.textContent = text;
  return element;
}

/** The pane as the server draws it now. False: it could not be had. */
async function renew(pane) {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [now, data] = [page.getElementById("pane-written"), page.getElementById("written-data")];
  if (!now) return false;
  pane.replaceChildren(...now.childNodes);
  window.htmx?.process(pane);
  document.getElementById("written-data")?.remove();
  if (data) document.body.append(data);
  return true;
}
