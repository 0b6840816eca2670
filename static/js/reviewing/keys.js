// The keys of the review, as labelling/keys.js reads them. Letters that the labelling page has mean
// the same here.
import { chordOf } from "../labelling/bindings.js";

const byChord = new Map(
  Object.entries({
    Enter: "accept", " ": "accept", x: "reject", u: "unsure", s: "skip",
    z: "undo", "Ctrl+z": "undo", "Ctrl+Shift+Z": "redo", "Ctrl+y": "redo",
    Delete: "remove", Backspace: "remove", b: "removeWeak", n: "draw", "Shift+N": "place",
    k: "along", "Shift+X": "rejectAlong",
    t: "scope", o: "others", a: "takeOver",
    p: "play", r: "loop", d: "speed", c: "correct",
    w: "guide", e: "enlarge", "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", 0: "fit", h: "boxes", l: "tags", ".": "brighter", ",": "darker",
  }),
);

export const bindings = { byChord, actionOf: (event) => byChord.get(chordOf(event)) ?? null };
