// Plays clip after clip from the films' own files. Two elements take turns: while one plays, the
// other waits at the first frame of the next clip, so that the joint is a change of places.
import { createSequence } from "./sequence.js";

const INSIDE_S = 0.001; // seek a little into a frame: rounding must not land on the one before
const FRESH_LINK_MS = 10_000;

/** @param {{media: HTMLVideoElement[], onChange: (state: object) => void, onProblem: (text: string) => void}} options */
export function createReel({ media, onChange, onProblem }) {
  let sequence = createSequence([]);
  let [front, back] = media;
  let at = 0;
  let isPlaying = false;
  const lastTry = new Map();

  const clip = () => sequence.clips[at];
  const report = () => onChange({ time: time(), index: at, isPlaying, sequence, source: front.currentTime });
  const time = () => (clip() ? sequence.timeOf(at, front.seeking ? front.dataset.to : front.currentTime) : 0);

  /** Have an element stand at a time of a clip's film. */
  function stand(element, of, source) {
    if (!of.url) return;
    const to = Math.min(source + INSIDE_S, Math.max(of.end - INSIDE_S, of.start));
    if (element.dataset.asset !== String(of.asset)) {
      element.dataset.asset = of.asset;
      element.src = of.url;
    }
    element.dataset.to = to;
    element.currentTime = to;
  }

  function prepare() {
    const next = sequence.clips[at + 1];
    back.pause();
    if (next) stand(back, next, next.start);
  }

  function show(element) {
    for (const one of media) one.hidden = one !== element;
  }

  /** To a clip, from the element that waits there already where there is one. */
  function go(index, source = sequence.clips[index]?.start) {
    const next = sequence.clips[index];
    if (!next) return stop();
    const isWaiting = index === at + 1 && source === next.start && back.dataset.asset === String(next.asset);
    at = index;
    if (isWaiting) [front, back] = [back, front];
    else stand(front, next, source);
    show(front);
    back.pause();
    if (!next.url) {
      isPlaying = false;
      onProblem("A copy of this film that browsers can play is still being made.");
    } else {
      onProblem("");
      if (isPlaying) front.play().catch(() => {});
    }
    prepare();
    return report();
  }

  function stop() {
    isPlaying = false;
    for (const one of media) one.pause();
    report();
  }

  /** Whether the clip is over; then on to the next. */
  function follow() {
    const now = clip();
    if (now && isPlaying && !front.seeking && front.currentTime >= now.end - 0.5 / now.rate) {
      if (at + 1 < sequence.clips.length) go(at + 1);
      else stop();
    } else report();
  }

  /** With each picture of the screen while it plays: sound has no pictures of its own. */
  function tick() {
    if (!isPlaying) return;
    follow();
    requestAnimationFrame(tick);
  }

  function watch(element) {
    const isFront = () => element === front;
    for (const event of ["timeupdate", "seeked", "ended"]) {
      element.addEventListener(event, () => isFront() && follow());
    }
    element.addEventListener("error", () => renew(element));
  }

  /** Links to media run out while pages stay open: ask for another, and go on from there. */
  async function renew(element) {
    const of = sequence.clips.find((one) => String(one.asset) === element.dataset.asset);
    if (!of) return;
    if (performance.now() - (lastTry.get(of.asset) ?? -Infinity) < FRESH_LINK_MS) {
      if (element === front) onProblem("This film cannot be played just now.");
      return;
    }
    lastTry.set(of.asset, performance.now());
    const response = await fetch(of.link).catch(() => null);
    if (!response?.ok) return;
    const { url } = await response.json();
    for (const one of sequence.clips) if (one.asset === of.asset) one.url = url;
    const to = Number(element.dataset.to) || of.start;
    element.src = url;
    element.currentTime = to;
    if (element === front && isPlaying) element.play().catch(() => {});
  }

  media.forEach(watch);
  const reel = {
    /** Other clips, or the same in another order: stays at the clip it was at, where that is there. */
    load(clips) {
      const here = clip()?.id;
      const source = front.currentTime;
      const before = clip();
      sequence = createSequence(clips);
      const index = Math.max(sequence.indexOf(here), 0);
      const now = sequence.clips[index];
      const isSame = now && before && now.id === before.id && now.start === before.start && now.end === before.end;
      at = index;
      if (!now) return stop();
      return isSame ? (prepare(), report()) : go(index, now.id === here ? Math.min(Math.max(source, now.start), now.end) : now.start);
    },
    play() {
      if (!clip()) return;
      if (at === sequence.clips.length - 1 && front.currentTime >= clip().end - 1 / clip().rate) go(0);
      if (!isPlaying) requestAnimationFrame(tick);
      isPlaying = true;
      front.play().catch(() => {});
      report();
    },
    pause: stop,
    toggle: () => (isPlaying ? reel.pause() : reel.play()),
    goTo: (id) => go(sequence.indexOf(id)),
    step: (by) => go(Math.min(Math.max(at + by, 0), sequence.clips.length - 1)),
    seek(to) {
      const there = sequence.at(to);
      if (there) go(there.index, there.source);
    },
    /** Frame by frame through the film, also out of the clip: that is how one finds its border. */
    frame(by) {
      if (!clip()) return;
      stop();
      front.currentTime = Math.max(front.currentTime + by / clip().rate, 0);
    },
    current: () => clip(),
    source: () => front.currentTime,
  };
  return reel;
}
