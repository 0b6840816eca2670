// The sheet of keys (`?`): both sets, every key to be changed, single letters to be switched off.
import { ACTIONS, chordOf, printed } from "./bindings.js";

/** @param {{bindings: import("./bindings.js").Bindings}} options */
export function createKeySheet({ bindings }) {
  const table = document.getElementById("key-table");
  const note = document.getElementById("key-note");
  const sets = document.querySelectorAll("[name=key-set]");
  const sheet = document.getElementById("keys");
  let waiting = null; // the action that waits for its key

  function show() {
    table.replaceChildren(...ACTIONS.flatMap(([title, actions]) => [heading(title), ...actions.flatMap(row)]));
    for (const set of sets) set.checked = set.value === bindings.set;
    document.getElementById("key-reset").hidden = !Object.keys(bindings.own).length;
    showHints();
  }

  function heading(title) {
    const made = document.createElement("h3");
    made.textContent = title;
    return made;
  }

  function row([action, words]) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.action = action;
    const chord = bindings.keyOf(action);
    button.append(...(waiting === action ? [document.createTextNode("Press a key")] : chord ? keysOf(chord) : [document.createTextNode("none")]));
    button.setAttribute("aria-label", `${words}: ${printed(chord).join(" ") || "no key"}. Change`);
    const said = document.createElement("span");
    said.textContent = words;
    return [button, said];
  }

  /** Keys named elsewhere on the page follow the set: <kbd data-key-of="undo">. */
  function showHints() {
    for (const place of document.querySelectorAll("[data-key-of]")) {
      place.replaceChildren(...keysOf(bindings.keyOf(place.dataset.keyOf)));
    }
    for (const button of document.querySelectorAll("[data-do][data-words]")) {
      const keys = printed(bindings.keyOf(button.dataset.do)).join("+");
      button.title = keys ? `${button.dataset.words} (${keys})` : button.dataset.words;
    }
  }

  table.addEventListener("click", (event) => {
    const button = event.target.closest("[data-action]");
    if (!button) return;
    waiting = waiting === button.dataset.action ? null : button.dataset.action;
    note.textContent = waiting ? "Press the new key, or Esc to leave it." : "";
    show();
    table.querySelector(`[data-action=${button.dataset.action}]`).focus();
  });
  sheet.addEventListener("keydown", (event) => {
    if (!waiting) return;
    const chord = chordOf(event);
    if (!chord || chord === "Tab") return;
    event.preventDefault();
    event.stopPropagation();
    const action = waiting;
    waiting = null;
    if (chord === "?" || /^[1-9]$/.test(chord)) note.textContent = `${chord} is taken: ${chord === "?" ? "it shows this sheet" : "it chooses a label"}.`;
    else if (chord !== "Escape") {
      const loser = bindings.remap(action, chord);
      note.textContent = loser ? `“${loser}” had this key; it has none now.` : "";
    } else note.textContent = "";
    show();
    table.querySelector(`[data-action=${action}]`).focus();
  });
  sheet.addEventListener("cancel", (event) => {
    if (waiting) event.preventDefault();
  });
  for (const set of sets) set.addEventListener("change", () => bindings.choose(set.value));
  document.getElementById("key-reset").addEventListener("click", () => bindings.reset());
  bindings.addEventListener("change", show);
  show();
  return { showHints };
}

export function keysOf(chord) {
  return printed(chord).flatMap((part, i) => {
    const made = document.createElement("kbd");
    made.textContent = part;
    return i ? [document.createTextNode(" "), made] : [made];
  });
}
