// The transcript as it is drawn: a paragraph for each line, and its words as parts one can point at
// once it comes near to what is seen. Ten hours are thousands of lines.
import { clock } from "../common/clock.js";
import { reads } from "./transcript-lines.js";

const UNSURE = 0.35; // of its confidence: drawn fainter below

/** @param {{lines: object, player: object, signal: AbortSignal}} options */
export function createView({ lines, player, signal }) {
  const box = document.getElementById("transcript");
  const note = document.getElementById("transcript-note");
  const places = new Map(); // by segment
  const drawn = new Map(); // by line
  const marks = []; // (line, element) => void
  let wordPressed = () => {};
  let editPressed = () => {};

  const near = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => spell(entry.target)),
    { root: box, rootMargin: "600px" },
  );
  signal.addEventListener("abort", () => near.disconnect());

  function place(index) {
    if (!places.has(index)) {
      const div = document.createElement("div");
      const after = [...places.keys()].filter((other) => other > index).sort((a, b) => a - b)[0];
      box.insertBefore(div, after === undefined ? null : places.get(after));
      places.set(index, div);
    }
    return places.get(index);
  }

  /** @param {object} before  the line that is drawn above it */
  function draw(line, before) {
    const element = document.createElement("p");
    element.className = "line";
    element.dataset.line = line.id;
    const when = document.createElement("button");
    when.type = "button";
    when.className = "when num";
    when.tabIndex = -1;
    when.textContent = clock(line.start, 0);
    when.setAttribute("aria-label", `Play from ${clock(line.start, 0)}`);
    const words = document.createElement("span");
    words.className = "words";
    words.dir = "auto";
    if (line.language) words.lang = line.language;
    words.textContent = line.words.map((_, word) => reads(line, word)).join(line.blank);
    element.append(when);
    if (line.speaker && line.speaker.id !== before?.speaker?.id) element.append(whoSpeaks(line.speaker));
    element.append(words);
    drawn.set(line.id, element);
    near.observe(element);
    return element;
  }

  /** Give each word of a line an element of its own. */
  function spell(element) {
    const line = lines.byId(Number(element.dataset.line));
    if (!line || element.dataset.spelt) return element;
    element.dataset.spelt = "yes";
    near.unobserve(element);
    const words = element.querySelector(".words");
    words.replaceChildren(
      ...line.words.flatMap((_, word) => {
        const part = document.createElement("span");
        part.dataset.word = word;
        part.tabIndex = -1;
        dress(part, line, word);
        return [part, line.blank];
      }),
    );
    marks.forEach((mark) => mark(line, element));
    return element;
  }

  lines.on(({ segments, line }) => {
    if (signal.aborted) return;
    for (const index of segments ?? []) {
      const some = lines.of(index);
      const before = some.length ? lines.all()[lines.all().indexOf(some[0]) - 1] : null; // of another segment
      place(index).replaceChildren(...some.map((each, n) => draw(each, n ? some[n - 1] : before)));
    }
    if (line && drawn.get(line.id)?.dataset.spelt) {
      for (const part of drawn.get(line.id).querySelectorAll("[data-word]")) dress(part, line, Number(part.dataset.word));
    }
    if (note && lines.all().length) note.hidden = true;
  });

  const wordOf = (event) => {
    const part = event.target.closest?.("[data-word]");
    const line = part && lines.byId(Number(part.closest(".line").dataset.line));
    return line ? [line, Number(part.dataset.word)] : null;
  };
  box.addEventListener("click", (event) => {
    const said = wordOf(event);
    if (said && !getSelection()?.toString()) wordPressed(...said, { isDouble: false });
    const when = event.target.closest(".when");
    if (when) player.seek(lines.byId(Number(when.closest(".line").dataset.line)).start);
  }, { signal });
  box.addEventListener("dblclick", (event) => {
    const said = wordOf(event);
    if (said) wordPressed(...said, { isDouble: true });
  }, { signal });
  box.addEventListener("keydown", (event) => {
    if (event.target.matches("input")) return;
    const said = wordOf(event);
    const step = STEPS[event.key];
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (step) {
      const next = said ? neighbour(said, step) : first();
      if (next) event.preventDefault();
      if (next) view.focus(...next);
    } else if (said && event.key === "Enter") {
      event.preventDefault();
      wordPressed(...said, { isDouble: false });
    } else if (said && (event.key === "e" || event.key === "F2")) {
      event.preventDefault();
      editPressed(...said);
    }
  }, { signal });

  /** The word that is said, or the first that is seen. */
  function first() {
    const now = box.querySelector(".said") ?? box.querySelector("[data-word]");
    return now ? [lines.byId(Number(now.closest(".line").dataset.line)), Number(now.dataset.word)] : null;
  }

  function neighbour([line, word], { by, of }) {
    const all = lines.all();
    const at = all.indexOf(line);
    if (of === "line") return all[at + by] ? [all[at + by], 0] : null;
    if (line.words[word + by] !== undefined) return [line, word + by];
    const other = all[at + by];
    return other ? [other, by > 0 ? 0 : other.words.length - 1] : null;
  }

  const view = {
    box,
    onWord: (pressed) => (wordPressed = pressed),
    onEdit: (pressed) => (editPressed = pressed),
    /** Called with each line that is spelt out: (line, element). */
    onSpelt: (mark) => marks.push(mark),
    neighbour,
    line: (line) => drawn.get(line.id),
    /** The element of a word. */
    word(line, word) {
      const element = drawn.get(line.id);
      return element ? spell(element).querySelector(`[data-word="${word}"]`) : null;
    },
    focus(line, word) {
      const part = view.word(line, word);
      part?.focus({ preventScroll: true });
      if (part) view.reveal(part, "nearest");
    },
    /** Scroll the transcript, and nothing else, so that an element is seen. */
    reveal(element, where = "middle") {
      const [room, rect] = [box.getBoundingClientRect(), element.getBoundingClientRect()];
      const isSeen = rect.top >= room.top + 8 && rect.bottom <= room.bottom - 8;
      if (where === "nearest" && isSeen) return;
      box.scrollTop += rect.top - room.top - box.clientHeight / 3;
    },
    dress: (line, word) => dress(view.word(line, word), line, word),
  };
  return view;
}

/** Who speaks from here on: a colour with a number in it, and the name. */
function whoSpeaks({ name, colour, number }) {
  const chip = document.createElement("span");
  chip.className = "speaker-chip who";
  chip.dataset.speakerColour = colour;
  const mark = document.createElement("span");
  mark.className = "mark";
  mark.textContent = number;
  mark.setAttribute("aria-hidden", "true");
  chip.append(mark, name);
  return chip;
}

const STEPS = {
  ArrowRight: { by: 1, of: "word" },
  ArrowLeft: { by: -1, of: "word" },
  ArrowDown: { by: 1, of: "line" },
  ArrowUp: { by: -1, of: "line" },
};

/** How a word looks: what stands there, and whether a person wrote it. */
function dress(part, line, word) {
  const edit = line.edits[word];
  part.textContent = edit ? edit.text || line.words[word] : line.words[word];
  part.classList.toggle("edited", Boolean(edit));
  part.classList.toggle("gone", edit?.text === "");
  part.classList.toggle("unsure", !edit && line.sure[word] < UNSURE);
  if (edit) part.title = `Heard as “${line.words[word]}”; ${edit.by}, ${edit.at}`;
  else part.removeAttribute("title");
}
