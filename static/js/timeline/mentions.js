// When each brand is said and written: for the lanes, the list above the transcript, and the words in it.

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
    if (list) list.innerHTML = listed;
    store.set({ said: rows, written });
  }

  document.addEventListener("click", (event) => {
    const said = event.target.closest("#mentions [data-said]");
    if (said) player.seek(Number(said.dataset.said));
  });
  for (const event of ["speech-progress", "speech-renewed", "words-edited", "written-renewed"]) {
    document.body.addEventListener(event, refresh);
  }
  refresh();
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
