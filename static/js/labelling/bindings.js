// What keys do: two sets that people know from elsewhere, and what a person changed of them.

const STORED = "sightline.labelling.keys";

/** In the order the sheet shows them: [id, words, key in the CVAT-like set, in the Label Studio-like one]. */
export const ACTIONS = [
  ["Moving", [
    ["previous", "Frame or picture before", "d", "Alt+ArrowLeft"],
    ["next", "Next frame or picture", "f", "Alt+ArrowRight"],
    ["back", "10 back", "c", "Alt+Shift+ArrowLeft"],
    ["on", "10 on", "v", "Alt+Shift+ArrowRight"],
    ["first", "First frame", "Home", "Home"],
    ["last", "Last frame", "End", "End"],
    ["play", "Play or stop a clip; a picture: done, next", " ", " "],
    ["finish", "Done, next", "Ctrl+Enter", "Ctrl+Enter"],
    ["nothing", "Nothing here", "x", "x"],
    ["skip", "Skip", "Shift+S", "Ctrl+ "],
  ]],
  ["Boxes", [
    ["draw", "Draw boxes", "n", "r"],
    ["select", "Take up boxes", "s", "v"],
    ["pan", "Move the picture", "g", "h"],
    ["place", "A new box in the middle", "Shift+N", "Shift+R"],
    ["remove", "Delete", "Delete", "Backspace"],
    ["occluded", "Occluded", "q", "q"],
    ["copyOn", "Copy to the next frame or picture", "b", "d"],
    ["copy", "Copy", "Ctrl+c", "Ctrl+c"],
    ["paste", "Paste", "Ctrl+v", "Ctrl+v"],
    ["undo", "Undo", "Ctrl+z", "Ctrl+z"],
    ["redo", "Redo", "Ctrl+Shift+Z", "Ctrl+Shift+Z"],
    ["accept", "Accept the proposal", "a", "a"],
    ["acceptAll", "Accept all of this frame", "Shift+A", "Shift+A"],
  ]],
  ["Tracks", [
    ["keyframe", "Keyframe here, or not", "k", "k"],
    ["outside", "Out of the frame from here", "o", "o"],
    ["previousKey", "Keyframe before", "e", "["],
    ["nextKey", "Next keyframe", "r", "]"],
    ["predict", "Predict the next frames", "p", "p"],
    ["predictBack", "Predict the frames before", "Shift+P", "Shift+P"],
    ["predictAll", "Predict every track of this frame", "t", "t"],
    ["split", "Split before this frame", "Alt+m", "Alt+s"],
    ["merge", "Merge with another track", "m", "m"],
  ]],
  ["Review", [
    ["approve", "Accept what is in review, next", "y", "y"],
    ["sendBack", "Send it back", "z", "z"],
    ["reassign", "Give it to somebody else", "Shift+Z", "Shift+Z"],
    ["takeBack", "Take the last decision back", "Shift+Y", "Shift+Y"],
    ["remark", "Remark on what is taken up, or on the picture", "i", "i"],
    ["resolve", "Resolve the remark", "j", "j"],
  ]],
  ["Looking", [
    ["zoomIn", "Zoom in", "+", "Ctrl++"],
    ["zoomOut", "Zoom out", "-", "Ctrl+-"],
    ["fit", "Show all of the picture", "0", "Ctrl+0"],
    ["boxes", "Show or hide the boxes", "h", "Alt+h"],
    ["tags", "Show or hide their labels", "l", "l"],
    ["guide", "What counts as this label", "w", "w"],
    ["brighter", "Brighter", ".", "."],
    ["darker", "Darker", ",", ","],
    ["save", "Save now", "Ctrl+s", "Ctrl+s"],
  ]],
];

const FLAT = ACTIONS.flatMap(([, actions]) => actions);
const COLUMN = { cvat: 2, studio: 3 };

/** The key press as the sets write it: "k", "Shift+N", "Ctrl+Shift+Z", "Alt+ArrowLeft". */
export function chordOf(event) {
  const { key } = event;
  if (["Shift", "Control", "Alt", "Meta"].includes(key)) return "";
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  // With Alt some keyboards write another sign: the key's own letter counts.
  const letter = event.altKey && /^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : key;
  if (event.altKey) parts.push("Alt");
  const isLetter = letter.length === 1 && letter.toLowerCase() !== letter.toUpperCase();
  // Shift is already in signs such as "+"; for letters and named keys it is said.
  if (event.shiftKey && (isLetter || letter.length > 1)) parts.push("Shift");
  return [...parts, isLetter ? (event.shiftKey ? letter.toUpperCase() : letter.toLowerCase()) : letter].join("+");
}

function stored() {
  try {
    return { set: "cvat", own: {}, ...JSON.parse(localStorage.getItem(STORED)) };
  } catch {
    return { set: "cvat", own: {} };
  }
}

export class Bindings extends EventTarget {
  constructor() {
    super();
    this.#read();
    addEventListener("storage", (event) => {
      if (event.key === STORED) this.#read();
    });
  }

  #read() {
    Object.assign(this, stored());
    if (!COLUMN[this.set]) this.set = "cvat";
    this.byAction = new Map(FLAT.map((row) => [row[0], this.own[row[0]] ?? row[COLUMN[this.set]]]));
    this.byChord = new Map([...this.byAction].filter(([, chord]) => chord).map(([action, chord]) => [chord, action]));
    this.dispatchEvent(new Event("change"));
  }

  #write() {
    localStorage.setItem(STORED, JSON.stringify({ set: this.set, own: this.own }));
    this.#read();
  }

  keyOf(action) {
    return this.byAction.get(action) ?? "";
  }
  actionOf(event) {
    return this.byChord.get(chordOf(event)) ?? null;
  }
  choose(set) {
    Object.assign(this, { set, own: {} });
    this.#write();
  }

  /** Give an action a key. @returns {string|null} the words of the action that lost it */
  remap(action, chord) {
    const loser = this.byChord.get(chord);
    if (loser && loser !== action) this.own[loser] = "";
    this.own[action] = chord;
    this.#write();
    return loser && loser !== action ? FLAT.find((row) => row[0] === loser)[1] : null;
  }
  reset() {
    this.own = {};
    this.#write();
  }
}

const NAMES = { " ": "Space", ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", Delete: "Del", Escape: "Esc", Backspace: "⌫" };

/** "Ctrl+Shift+Z" → ["Ctrl", "Shift", "Z"], as it is printed on keys. */
export function printed(chord) {
  if (!chord) return [];
  const parts = chord.endsWith("++") ? [...chord.slice(0, -2).split("+"), "+"] : chord === "+" ? ["+"] : chord.split("+");
  return parts.map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}
