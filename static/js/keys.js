// Which key a person meant. Imported by every module that listens for single keys, so that typing
// in a field, a dialog in front, or having turned single keys off holds for all of them.

const STORED = "sightline.keys";

export function singleKeysOn() {
  return localStorage.getItem(STORED) !== "off";
}

export function setSingleKeys(on) {
  localStorage.setItem(STORED, on ? "on" : "off");
}

export function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable]")) return true;
  const input = target.closest("input");
  return Boolean(input) && !["checkbox", "radio", "button", "range", "color"].includes(input.type);
}

/** The key as a string such as "k", "?", "ArrowLeft", or "" when it is not meant for the page. */
export function keyOf(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return "";
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return "";
  if (event.key.length === 1 && !singleKeysOn()) return "";
  return event.key;
}
