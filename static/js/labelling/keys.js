// The keys of the labelling page: which action a press means, and what the space bar does while held.
import { isTyping, singleKeysOn } from "../keys.js";
import { chordOf } from "./bindings.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const TAP_MS = 350; // a longer press of the space bar was for panning
const MAY_REPEAT = /^(Arrow|[-+=]$)/; // where a held key is one press, but for moving and zooming

/**
 * @param {{desk: object, bindings: object, acts: Record<string, () => void>, shapes: object,
 *   stage: HTMLElement, held: {space: boolean, hasPanned: boolean}, escape: () => void, isOnce?: boolean}} options
 *   `isOnce`: a key that is held down acts once
 */
export function wireKeys({ desk, bindings, acts, shapes, stage, held, escape, isOnce = false }) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) return;
    if (isOnce && event.repeat && !MAY_REPEAT.test(event.key)) return;
    if (event.key === " " && bindings.byChord.get(" ") === "play") return pressSpace(event);
    if (event.key === "Escape") return escape(event);
    if (event.target === stage && event.key === "Tab" && !event.ctrlKey && !event.altKey) {
      // After the last box Tab goes on to the next control: the stage is no trap.
      if (shapes.cycle(event.shiftKey ? -1 : 1)) event.preventDefault();
      return;
    }
    if (!singleKeysOn() && event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey) return;
    if (chooseLabel(event) || doAction(event) || nudge(event)) event.preventDefault();
  });

  function chooseLabel(event) {
    if (!/^[1-9]$/.test(chordOf(event))) return false;
    const label = desk.labels[Number(event.key) - 1];
    if (label) acts.label(label.id);
    return Boolean(label);
  }

  function doAction(event) {
    const action = bindings.actionOf(event) ?? alias(event);
    if (!action || !acts[action] || needsIt(event)) return false;
    acts[action]();
    return true;
  }

  /** Presses that mean the same on every keyboard, unless they were given away. */
  function alias(event) {
    const chord = chordOf(event);
    const found = { Backspace: "remove", Delete: "remove", "=": "zoomIn", "Ctrl+y": "redo", "Ctrl+=": "zoomIn" }[chord];
    return found && !bindings.byChord.has(chord) ? found : null;
  }

  function nudge(event) {
    const by = ARROWS[event.key];
    if (!by || event.altKey || needsIt(event)) return false;
    return shapes.nudge(by, { isResize: event.shiftKey, isFar: event.ctrlKey || event.metaKey });
  }

  function pressSpace(event) {
    if (event.target.closest("button, a, summary, input, select, [role=button]")) return;
    event.preventDefault();
    if (held.space) return;
    Object.assign(held, { space: true, hasPanned: false, since: performance.now() });
    stage.classList.add("panning");
  }
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " || !held.space) return;
    held.space = false;
    stage.classList.remove("panning");
    const isTap = !held.hasPanned && performance.now() - held.since < TAP_MS;
    if (isTap && singleKeysOn()) acts.play();
  });
  addEventListener("blur", () => {
    held.space = false;
    stage.classList.remove("panning");
  });
}

/** Keys that what has the focus needs itself. */
function needsIt({ target, key, ctrlKey, metaKey }) {
  if (target.closest("input[type=range], [role=tablist], [role=listbox]")) return /^(Arrow|Home|End|Page)/.test(key);
  if (/^(Enter| )$/.test(key) && !ctrlKey && !metaKey && target.closest("button, a, summary, [role=button]")) return true;
  return Boolean(target.closest("details.menu[open]"));
}
