// What to do with the range that is chosen: a clip of it.
import { clock } from "../common/clock.js";
import { lineAt } from "./words-lane.js";

/** @param {{store: import("./page.js").Store, asset: number}} options */
export function wireRangeCut({ store, asset }) {
  const form = document.getElementById("tl-cut");
  if (!form) return;
  const show = ({ window, lines }) => {
    form.hidden = !window;
    if (!window) return;
    const [from, to] = window;
    const said = lineAt(lines, from) || (lines.find((line) => line.start >= from && line.start < to)?.words ?? []).join(" ");
    form.elements.span.value = `${asset}:${from.toFixed(3)}:${to.toFixed(3)}:${said.slice(0, 80)}`;
    document.getElementById("tl-cut-says").textContent = `${clock(to - from)} chosen`;
  };
  store.on(["window", "lines"], show);
  show(store.get());
}
