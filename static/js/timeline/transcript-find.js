// Find in the transcript: every place where the words are, one after the other.
import { reads } from "./transcript-lines.js";

const WAIT_MS = 150;

/** Without case, accents and signs that nobody types. */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}|[’']/gu, "").toLowerCase();

/** @param {{lines: object, view: object, follow: object, signal: AbortSignal}} options */
export function wireFind({ lines, view, follow, signal }) {
  const field = document.getElementById("transcript-find");
  const found = document.getElementById("transcript-found");
  const [before, next] = ["transcript-before", "transcript-next"].map((id) => document.getElementById(id));
  if (!field) return;
  let hits = []; // {line, words: [first, last]}
  let at = -1;
  let timer = 0;

  function look() {
    const wanted = plain(field.value).trim().replace(/\s+/g, " ");
    unmark();
    const here = hits[at];
    hits = wanted ? lines.all().flatMap((line) => places(line, wanted)) : [];
    at = here ? hits.findIndex((hit) => hit.line === here.line && hit.words[0] === here.words[0]) : -1;
    mark();
  }

  function mark() {
    for (const { line, words } of hits) {
      if (!view.line(line)?.dataset.spelt) continue;
      for (let word = words[0]; word <= words[1]; word += 1) view.word(line, word)?.classList.add("hit");
    }
    say();
  }

  function unmark() {
    for (const part of view.box.querySelectorAll(".hit")) part.classList.remove("hit", "hit-now");
  }

  function say() {
    const n = hits.length;
    found.textContent = !field.value.trim() ? "" : n ? `${at + 1 || "–"} of ${n}` : "Not there";
    before.disabled = next.disabled = !n;
  }

  function go(step) {
    if (!hits.length) return;
    for (const part of view.box.querySelectorAll(".hit-now")) part.classList.remove("hit-now");
    at = (at + step + hits.length + (at < 0 && step < 0 ? 1 : 0)) % hits.length;
    const { line, words } = hits[at];
    follow.pause();
    for (let word = words[0]; word <= words[1]; word += 1) view.word(line, word)?.classList.add("hit", "hit-now");
    view.reveal(view.word(line, words[0]));
    say();
  }

  field.addEventListener("input", () => {
    at = -1;
    clearTimeout(timer);
    timer = setTimeout(() => {
      look();
      go(1);
    }, WAIT_MS);
  }, { signal });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      field.value = "";
      look();
      view.box.focus({ preventScroll: true });
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(event.shiftKey ? -1 : 1);
    }
  }, { signal });
  before.addEventListener("click", () => go(-1), { signal });
  next.addEventListener("click", () => go(1), { signal });
  lines.on(() => !signal.aborted && field.value.trim() && look());
  view.onSpelt((line) => {
    for (const hit of hits) {
      if (hit.line !== line) continue;
      for (let word = hit.words[0]; word <= hit.words[1]; word += 1) view.word(line, word)?.classList.add("hit");
    }
  });
}

/** Where the words are in a line: the first and the last word of each place. */
export function places(line, wanted) {
  const ends = [];
  let text = "";
  line.words.forEach((_, word) => {
    const said = plain(reads(line, word));
    text += `${text && said ? line.blank : ""}${said}`;
    ends.push(text.length);
  });
  const wordAt = (place) => ends.findIndex((end) => end > place);
  const found = [];
  for (let place = text.indexOf(wanted); place >= 0; place = text.indexOf(wanted, place + wanted.length)) {
    found.push({ line, words: [wordAt(place), wordAt(place + wanted.length - 1)] });
  }
  return found;
}
