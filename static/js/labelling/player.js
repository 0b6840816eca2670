// Playing a clip frame by frame at its own speed, as fast as the frames are there.

/** @param {{desk: import("./desk.js").Desk}} options */
export function createPlayer({ desk }) {
  const button = document.querySelector("[data-do=play]");
  let playing = false;

  function show() {
    button.classList.toggle("playing", playing);
    button.setAttribute("aria-label", playing ? "Stop" : "Play");
  }

  async function run() {
    const { session } = desk;
    const { times } = session.data;
    let from = desk.frame;
    let since = performance.now();
    while (playing && desk.session === session && desk.frame < session.length - 1) {
      const next = desk.frame + 1;
      const due = since + (times[next] - times[from]) * 1000;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      if (!playing || desk.frame !== next - 1) break;
      await desk.go(next);
      if (performance.now() - due > 200) [from, since] = [next, performance.now()]; // it waited for pictures
    }
    playing = false;
    show();
  }

  return {
    toggle() {
      playing = !playing;
      show();
      if (playing) run();
    },
    stop() {
      playing = false;
      show();
    },
  };
}
