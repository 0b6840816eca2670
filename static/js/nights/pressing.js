// Single keys of a page that shows a candidate: for its pictures, and for whatever has a data-key.

import { keyOf } from "../keys.js";

/**
 * @param {() => {key: (key: string) => boolean}} pictures  those that are shown now
 * @param {() => boolean} [isBusy]  while it is, no button is pressed by a key
 */
export function wireKeys(pictures, isBusy = () => false) {
  addEventListener("keydown", (event) => {
    const key = keyOf(event);
    if (!key || event.repeat) return;
    const onControl = event.target instanceof Element && event.target.closest("a, button, summary, input");
    if ((key === "Enter" || key === " ") && onControl) return; // it is pressed by the browser
    if (pictures().key(key)) event.preventDefault();
    else if (press(key.length === 1 ? key.toLowerCase() : key, isBusy)) event.preventDefault();
  });
}

function press(key, isBusy) {
  const all = [...document.querySelectorAll("[data-key]")];
  const meant = all.find((one) => one.dataset.key.split(" ").includes(key) && one.checkVisibility());
  if (meant && !isBusy()) meant.click();
  return Boolean(meant);
}
