// The cut-outs of one candidate, shown one after the other in one place.

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const SPEED = "sightline.nights.speed";

/**
 * @param {ParentNode} root  what holds a candidate: #blink with its frames, and buttons data-panel
 * @returns {{key: (key: string) => boolean, stop: () => void, start: () => void}}
 */
export function blinking(root) {
  const blink = root.querySelector("#blink");
  if (!blink) return { key: () => false, stop() {}, start() {} };
  const frames = [...blink.querySelectorAll("[data-frame]")];
  const speed = blink.querySelector("[data-speed]");
  let at = 0;
  let timer = 0;

  function show(n) {
    if (!frames.length) return;
    at = (n + frames.length) % frames.length;
    frames.forEach((frame, k) => {
      frame.hidden = k !== at;
    });
    blink.querySelector("[data-at]").textContent = `${at + 1} of ${frames.length}`;
  }
  function tell() {
    const button = blink.querySelector("[data-blink]");
    button.setAttribute("aria-pressed", String(Boolean(timer)));
    button.textContent = timer ? "Stop" : "Blink";
  }
  function stop() {
    clearInterval(timer);
    timer = 0;
    tell();
  }
  function start() {
    if (frames.length < 2) return;
    clearInterval(timer);
    timer = setInterval(() => show(at + 1), 1000 / Number(speed.value));
    tell();
  }
  function step(by) {
    stop();
    show(at + by);
  }
  function panel(n) {
    blink.style.setProperty("--panel-shown", n);
    for (const button of root.querySelectorAll("[data-panel]")) {
      button.setAttribute("aria-pressed", String(button.dataset.panel === String(n)));
    }
  }
  function setSpeed() {
    blink.querySelector("[data-speed-says]").textContent = `${speed.value} a second`;
  }

  const kept = Number(localStorage.getItem(SPEED));
  if (kept >= 1 && kept <= 8) speed.value = kept;
  setSpeed();
  speed.addEventListener("input", () => {
    setSpeed();
    localStorage.setItem(SPEED, speed.value);
    if (timer) start();
  });
  blink.querySelector("[data-blink]").addEventListener("click", () => (timer ? stop() : start()));
  for (const button of blink.querySelectorAll("[data-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.step)));
  }
  for (const button of root.querySelectorAll("[data-panel]")) {
    button.addEventListener("click", () => panel(button.dataset.panel));
  }
  calm.addEventListener("change", () => calm.matches && stop());
  show(0);

  const does = {
    " ": () => (timer ? stop() : start()),
    ",": () => step(-1),
    ".": () => step(1),
    1: () => panel(0),
    2: () => panel(1),
    3: () => panel(2),
  };
  return {
    /** Whether the key meant something here. */
    key(key) {
      does[key]?.();
      return key in does;
    },
    stop,
    /** Begin by itself; who wishes for less motion starts it by hand. */
    start() {
      if (!calm.matches) start();
    },
  };
}
