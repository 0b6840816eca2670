// The names of the lanes as a list one can walk through: up and down, and from time to time.

/** @param {{lanes: object, store: import("./page.js").Store, player: object, zoom: object,
 *   open: (label: number) => void}} options */
export function wireLaneKeys({ lanes, store, player, zoom, open }) {
  const go = (time) => {
    player.seek(time);
    zoom.reveal(time);
  };
  const brands = document.getElementById("tl-brands");
  brands.addEventListener("click", (event) => {
    const name = event.target.closest("[data-lane]");
    if (name) open(Number(name.dataset.lane));
  });
  brands.addEventListener("keydown", (event) => {
    const name = event.target.closest("[data-lane]");
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const line = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!name || (!step && !line)) return;
    event.preventDefault(); // also tells the keys of the page that it was for the lane
    if (line) neighbour(lanes.names(), name, line)?.focus();
    else {
      const start = nextStart(store.get(), [Number(name.dataset.lane)], step);
      if (start !== null) go(start);
    }
  });
}

function neighbour(names, name, step) {
  const shown = names.filter((other) => !other.hidden);
  return shown[shown.indexOf(name) + step];
}

/** When one of the labels next appears, or last appeared: a time, or null. Where nothing looked, when
 * it is named. */
export function nextStart(state, labels, step) {
  const starts = labels
    .flatMap((label) => {
      const row = state.lanes?.rows[label];
      if (!state.lanes) return state.said?.[label]?.start ?? [];
      return row ? row.start.filter((_, i) => !row.weak[i]) : [];
    })
    .sort((a, b) => a - b);
  const found =
    step > 0
      ? starts.find((start) => start > state.time + 0.01)
      : starts.findLast((start) => start < state.time - 0.3);
  return found ?? null;
}
