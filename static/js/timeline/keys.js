// The keys of the page. `?` shows them; single letters can be switched off there.
import { keyOf } from "../keys.js";
import { nextStart } from "./lane-keys.js";

/** @param {{store: import("./page.js").Store, player: object, zoom: object|null, labels: Map,
 *   frames: object|null, openFrame: () => void, drawMissed?: () => void,
 *   asking: object|null, data: object}} options */
export function wireKeys({ store, player, zoom, labels, frames, openFrame, drawMissed, asking, data }) {
  const jump = (step) => {
    const start = nextStart(store.get(), [...labels.keys()], step);
    if (start !== null) player.seek(start);
  };
  const actions = {
    " ": player.toggle,
    k: player.toggle,
    j: () => player.by(-10),
    l: () => player.by(10),
    ArrowLeft: () => player.by(-5),
    ArrowRight: () => player.by(5),
    ",": () => stepFrame(-1),
    ".": () => stepFrame(1),
    "<": () => player.faster(-1),
    ">": () => player.faster(1),
    Home: () => player.seek(0),
    End: () => player.seek(data.duration),
    m: player.mute,
    c: () => document.getElementById("show-captions")?.click(),
    b: () => store.set({ boxes: !store.get().boxes }),
    w: () => store.set({ weak: !store.get().weak }),
    n: () => jump(1),
    p: () => jump(-1),
    f: openFrame,
    d: () => document.getElementById("draw-missed") && drawMissed?.(),
    g: () => asking?.moment(),
    G: () => asking?.sound(),
    r: () => asking?.draw(),
    F: player.fullscreen,
    "+": () => zoom?.zoom(2),
    "=": () => zoom?.zoom(2),
    "-": () => zoom?.zoom(0.5),
    i: () => zoom?.mark("in"),
    o: () => zoom?.mark("out"),
    Escape: () => zoom?.clear(),
  };

  /** To the neighbouring analysed frame; to the next picture where none was analysed. */
  function stepFrame(direction) {
    player.pause();
    const { time } = store.get();
    const here = frames?.frameAt(time);
    const next = here?.frames.times[here.at + direction];
    if (next !== undefined) player.seek(next);
    else if (here) player.seek(direction > 0 ? here.frames.ends[here.at] + 0.01 : here.frames.starts[here.at] - 0.01);
    else stepPicture(direction);
  }
  function stepPicture(direction) {
    player.pause();
    player.seek(store.get().time + direction / data.rate);
  }

  document.addEventListener("keydown", (event) => {
    if (event.altKey && (event.key === "," || event.key === ".") && keyOf(withoutAlt(event))) {
      event.preventDefault();
      stepPicture(event.key === "." ? 1 : -1);
      return;
    }
    const key = keyOf(event);
    if (!key || isForControl(event, key)) return;
    const tenth = /^[0-9]$/.test(key) ? Number(key) / 10 : null;
    const act = tenth === null ? (actions[key] ?? actions[key.toLowerCase()]) : () => player.seek(tenth * data.duration);
    if (!act || (key === "Escape" && !store.get().window)) return;
    event.preventDefault();
    act();
  });
}

const withoutAlt = (event) => ({
  key: event.key,
  target: event.target,
  defaultPrevented: event.defaultPrevented,
});

/** Keys that what has the focus needs itself. */
function isForControl(event, key) {
  const { target } = event;
  if (key === " " && target.closest("button, a, summary, input, [role=button]")) return true;
  if (target.closest("input[type=range], [role=tablist]")) {
    return /^(Arrow|Home|End|Page)/.test(key);
  }
  return Boolean(target.closest("details.menu[open]")) && key === "Escape";
}
