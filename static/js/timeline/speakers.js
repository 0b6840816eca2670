// Who speaks when: a lane of the timeline, walked through by arrows from one turn to the next.
import { clock } from "../common/clock.js";

/**
 * @typedef {object} Turns  in playing order; no two overlap
 * @property {number[]} start
 * @property {number[]} end
 * @property {number[]} voice               whose each is
 * @property {Record<number, [string, number, number]>} voices  name, place in the palette of
 *   speakers, and the number that they have beside the words
 */

/** @param {{player: object, store: import("./page.js").Store, openTab: (id: string) => void}} options */
export function wireSpeakers({ player, store, openTab }) {
  const read = () => {
    store.set({ turns: JSON.parse(document.getElementById("speakers-data")?.textContent ?? "null") });
  };
  const name = document.getElementById("tl-speakers");
  name?.addEventListener("click", () => {
    openTab("tab-transcript");
    document.getElementById("speakers")?.scrollIntoView({ block: "nearest" });
  });
  name?.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault(); // also tells the keys of the page that it was for the lane
    const { turns, time } = store.get();
    const at = nextTurn(turns, time, step);
    if (at < 0) return;
    player.seek(turns.start[at]);
    document.getElementById("asset-live").textContent = `${clock(turns.start[at])}, ${nameOf(turns, at)}`;
  });
  document.body.addEventListener("speech-renewed", read);
  read();
}

/** Which turn begins next, or began last: its place, or -1. @param {?Turns} turns */
export function nextTurn(turns, time, step) {
  const starts = turns?.start ?? [];
  return step > 0
    ? starts.findIndex((start) => start > time + 0.01)
    : starts.findLastIndex((start) => start < time - 0.3);
}

/** Who speaks at a time; "" for nobody. @param {?Turns} turns */
export function speakerAt(turns, time) {
  const at = (turns?.start ?? []).findLastIndex((start) => start <= time);
  return at >= 0 && time < turns.end[at] ? nameOf(turns, at) : "";
}

const nameOf = (turns, at) => turns.voices[turns.voice[at]][0];

/** Blocks in the colour that the speaker has beside the words, with their name or number as it fits. */
export function paintTurns({ ink, width, colour, from, to, x, state }, y, high) {
  const { start, end, voice, voices } = state.turns;
  ink.font = "11px ui-sans-serif, system-ui, sans-serif";
  ink.textBaseline = "middle";
  for (let i = 0; i < start.length; i += 1) {
    if (end[i] < from || start[i] > to) continue;
    const left = Math.max(x(start[i]), -4) + 0.5;
    const wide = Math.max(Math.min(x(end[i]), width + 4) - left - 0.5, 2);
    const [name, place, number] = voices[voice[i]];
    const words = [name, String(number)].find((text) => ink.measureText(text).width + 10 <= wide);
    ink.save();
    ink.beginPath();
    ink.roundRect(left, y + 5, wide, high - 10, 3);
    ink.fillStyle = colour(`--speaker-${place}`);
    ink.fill();
    ink.clip();
    ink.fillStyle = "#fff";
    if (words) ink.fillText(words, Math.max(left, 0) + 5, y + high / 2 + 0.5);
    ink.restore();
  }
}
