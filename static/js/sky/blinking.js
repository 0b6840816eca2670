// Several pictures in one place, one after the other.
import { keyOf } from "../keys.js";

/**
 * @param {HTMLElement} place  holds the panes; data-mode is "beside" or "blink"
 * @param {HTMLElement[]} panes
 * @param {HTMLElement} controls  with buttons data-do="mode-beside|mode-blink|play|before|next" and a
 *   field named speed (pictures a second)
 * @param {(index: number) => void} onShown
 */
export function bindBlinking(place, panes, controls, onShown) {
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const button = (what) => controls.querySelector(`[data-do="${what}"]`);
  let [now, timer] = [0, 0];

  const isBlinking = () => place.dataset.mode === "blink";
  function show(index) {
    now = (index + panes.length) % panes.length;
    panes.forEach((pane, n) => {
      pane.toggleAttribute("data-shown", n === now);
      pane.inert = isBlinking() && n !== now;
    });
    onShown(now);
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    button("play").setAttribute("aria-pressed", "false");
  }
  function play() {
    if (timer) {
      stop();
      return;
    }
    if (still.matches) { // nothing moves by itself: each press is one picture
      show(now + 1);
      return;
    }
    const perSecond = Number(controls.querySelector("[name=speed]").value) || 2;
    timer = setInterval(() => show(now + 1), 1000 / perSecond);
    button("play").setAttribute("aria-pressed", "true");
  }
  function setMode(mode) {
    place.dataset.mode = mode;
    button("mode-beside").setAttribute("aria-pressed", String(mode === "beside"));
    button("mode-blink").setAttribute("aria-pressed", String(mode === "blink"));
    controls.toggleAttribute("data-blinks", mode === "blink");
    if (mode === "beside") stop();
    show(now);
  }
  function step(by) {
    stop();
    if (!isBlinking()) setMode("blink");
    show(now + by);
  }
  const does = {
    "mode-beside": () => setMode("beside"),
    "mode-blink": () => setMode("blink"),
    play: () => {
      if (!isBlinking()) setMode("blink");
      play();
    },
    before: () => step(-1),
    next: () => step(1),
  };
  controls.addEventListener("click", ({ target }) => does[target.closest("[data-do]")?.dataset.do]?.());
  controls.addEventListener("change", ({ target }) => {
    if (target.name !== "speed" || !timer) return;
    stop();
    play();
  });
  addEventListener("keydown", (event) => {
    const key = keyOf(event);
    if (key === " " && event.target instanceof Element && event.target.closest("button, a, summary, input")) return;
    const wish = { " ": "play", ",": "before", ".": "next", b: isBlinking() ? "mode-beside" : "mode-blink" }[key];
    if (!wish) return;
    event.preventDefault();
    does[wish]();
  });
  still.addEventListener("change", stop);
  setMode(place.dataset.mode);
}
