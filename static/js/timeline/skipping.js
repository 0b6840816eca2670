// Skipping what is of no interest: to the next topic, and over what nobody speaks in.
import { keyOf } from "../keys.js";

const BEFORE_S = 0.2; // ahead of the next word, so that it is heard whole
const WORTH_S = 1.5; // a shorter silence is not skipped
const BACK_S = 1.5; // later than this, going back goes to where this topic begins

/** When the next topic begins, or the one before, of the chosen ones where any is chosen. */
export function topicStart(starts, chosen, time, step) {
  const wanted = chosen.length ? starts.filter((start) => chosen.some((other) => Math.abs(other - start) < 0.01)) : starts;
  const found = step > 0 ? wanted.find((start) => start > time + 0.05) : wanted.findLast((start) => start < time - BACK_S);
  return found ?? null;
}

/** Where to go on from `time` when nobody speaks there: a time, or null to play on. */
export function afterSilence(spans, time) {
  const next = spans.findIndex(([, end]) => end > time);
  if (next < 0 || spans[next][0] <= time) return null;
  return spans[next][0] - time > WORTH_S ? spans[next][0] - BEFORE_S : null;
}

/** @param {{player: object, store: import("./page.js").Store, outline: object}} options */
export function wireSkipping({ player, store, outline }) {
  const box = document.getElementById("outline");
  const live = document.getElementById("asset-live");
  let skips = localStorage.getItem("sightline.silence") === "skip";

  function go(step) {
    const topics = store.get().outline?.topics;
    const start = topics && topicStart(topics.start, outline.ticked.starts(), store.get().time, step);
    if (start === null || start === undefined) return;
    player.seek(start);
    if (live) live.textContent = topics.title[topics.start.indexOf(start)];
  }

  function show() {
    box.querySelector("[data-skip-silence]")?.setAttribute("aria-pressed", String(skips));
  }

  function toggle() {
    skips = !skips;
    localStorage.setItem("sightline.silence", skips ? "skip" : "play");
    if (live) live.textContent = skips ? "Silence is skipped" : "Silence is played";
    show();
  }

  store.on(["time"], ({ time, outline: data }) => {
    if (!skips || player.media.paused || player.media.seeking) return;
    const to = afterSilence(data?.speech ?? [], time);
    if (to !== null) player.seek(to);
  });
  store.on(["outline"], show);
  box.addEventListener("click", (event) => {
    const button = event.target.closest("[data-skip]");
    if (button) go(Number(button.dataset.skip));
    if (event.target.closest("[data-skip-silence]")) toggle();
  });
  document.addEventListener("keydown", (event) => {
    const act = { "]": () => go(1), "[": () => go(-1), s: toggle }[keyOf(event)];
    if (!act) return;
    event.preventDefault();
    act();
  });
  show();
}
