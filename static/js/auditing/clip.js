// A stretch of a film, shown over and over with what comes before and after it.
const STEP_S = 0.2;

/**
 * @param {{url: string, duration: number, place: HTMLElement, stage: HTMLElement, bar: HTMLElement}} options
 *   `place`: where the picture goes; `bar`: what shows how far it is, and where the stretch lies
 */
export function createClip({ url, duration, place, stage, bar }) {
  const film = document.createElement("video");
  Object.assign(film, { muted: true, playsInline: true, preload: "auto", tabIndex: -1 });
  film.setAttribute("aria-label", "The stretch of film");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let [from, to, first, last] = [0, 0, 0, 0]; // seconds: what is shown, and the stretch within it
  let frame = 0;

  function draw() {
    frame = film.isConnected ? requestAnimationFrame(draw) : 0;
    const now = film.currentTime;
    if (now >= to || now < from - 1) film.currentTime = from;
    bar.style.setProperty("--at", `${(100 * (now - from)) / (to - from)}%`);
    stage.classList.toggle("is-marked", now >= first && now < last);
  }

  /** Settles when its first picture is there; fails with a sentence where it cannot be played. */
  function ready() {
    return new Promise((resolve, reject) => {
      const done = (act) => () => {
        film.removeEventListener("seeked", shown);
        film.removeEventListener("error", failed);
        act();
      };
      const shown = done(resolve);
      const failed = done(() => reject(new Error("This film cannot be played here.")));
      film.addEventListener("seeked", shown);
      film.addEventListener("error", failed);
    });
  }

  return {
    get isPaused() {
      return film.paused;
    },
    /** Show it from `start` to `end`, with so many seconds around. */
    async show({ start, end, before, after }) {
      [from, to] = [Math.max(start - before, 0), Math.min(end + after, duration || Infinity)];
      [first, last] = [start, end];
      bar.style.setProperty("--first", `${(100 * (first - from)) / (to - from)}%`);
      bar.style.setProperty("--last", `${(100 * (Math.min(last, to) - from)) / (to - from)}%`);
      if (!film.src) film.src = url;
      if (film.error) film.load();
      const there = ready();
      film.currentTime = from + 0.001; // also where it is there already: so that "seeked" comes
      await there;
      bar.hidden = false;
      place.prepend(film);
      if (!frame) draw();
      if (!still.matches) await film.play().catch(() => {});
    },
    hide() {
      film.pause();
      film.remove();
      bar.hidden = true;
      stage.classList.remove("is-marked");
    },
    toggle() {
      if (film.paused) film.play().catch(() => {});
      else film.pause();
    },
    /** A little later, or earlier: -1. */
    step(way) {
      film.pause();
      film.currentTime = Math.min(Math.max(film.currentTime + way * STEP_S, from), to - 0.01);
    },
  };
}
