// When each brand is said and written: for the lanes, the list above the transcript, and the words in it.

import { post, tell, tellUndo } from "./posting.js";

/** @param {{run: object, store: import("./page.js").Store, player: object}} options */
export function createMentions({ run, store, player }) {
  let asked = 0;

  async function refresh() {
    const mine = (asked += 1);
    const response = await fetch(run.urls.mentions).catch(() => null);
    if (!response?.ok || mine !== asked) return;
    const { rows, written, listed } = await response.json();
    if (mine !== asked) return;
    const list = document.getElementById("mentions");
    if (list) keepOpen(list, listed);
    store.set({ said: rows, written });
  }

  document.addEventListener("click", (event) => {
    const said = event.target.closest("#mentions [data-said]");
    if (said) player.seek(Number(said.dataset.said));
    const deny = event.target.closest("#mentions [data-deny]");
    if (deny) turnDown(deny);
    const back = event.target.closest("#mentions [data-undeny]");
    if (back) send(back.dataset.undeny, {});
  });

  async function turnDown({ dataset: { deny: label, source, start } }) {
    const made = await send(run.urls.deny, { label, source, start });
    if (!made) return;
    const undo = run.urls.undeny.replace("/0/", `/${made.id}/`);
    tellUndo(made.said, () => send(undo, {}));
  }

  async function send(url, values) {
    const { detail, ...answer } = await post(url, values);
    if (detail) tell(detail, "error");
    document.body.dispatchEvent(new Event("mentions-denied")); // also where it was refused: it may be old
    return detail ? null : answer;
  }

  for (const event of ["speech-progress", "speech-renewed", "words-edited", "written-renewed", "mentions-denied"]) {
    document.body.addEventListener(event, refresh);
  }
  refresh();
}

/** Put a new list in the place of the old: what was open stays so, and the keyboard where it was. */
function keepOpen(list, html) {
  const open = new Set([...list.querySelectorAll("details[open] summary")].map((one) => one.textContent.replace(/\d+.*/s, "")));
  const buttons = [...list.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement);
  const wasThere = list.childElementCount > 0;
  list.innerHTML = html;
  if (!wasThere) return;
  for (const details of list.querySelectorAll("details")) {
    details.open = open.has(details.querySelector("summary").textContent.replace(/\d+.*/s, ""));
  }
  if (at >= 0) [...list.querySelectorAll("button")].at(Math.min(at, list.querySelectorAll("button").length - 1))?.focus();
}

/** Where brands are named: by line the label of each word. @returns {Map<number, Map<number, number>>} */
export function placesOf(said) {
  const lines = new Map();
  for (const [label, row] of Object.entries(said ?? {})) {
    for (const [line, place] of row.words.flat()) {
      if (!lines.has(line)) lines.set(line, new Map());
      lines.get(line).set(place, Number(label));
    }
  }
  return lines;
}

/** Underline, in its colour, each word that names a brand. */
export function markMentions({ view, lines, store, labels, signal }) {
  let places = placesOf(store.get().said);
  const mark = (line) => {
    const words = places.get(line.id);
    for (const part of view.line(line)?.querySelectorAll("[data-word]") ?? []) {
      const label = labels.get(words?.get(Number(part.dataset.word)));
      part.classList.toggle("names", Boolean(label));
      if (label) part.style.setProperty("--c", label.colour);
    }
  };
  view.onSpelt(mark);
  store.on(["said"], ({ said }) => {
    if (signal.aborted) return;
    places = placesOf(said);
    lines.all().forEach(mark);
  });
}
