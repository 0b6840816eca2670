// The page of a candidate: its cut-outs blinked one after the other, and a verdict by keys.

import { blinking } from "./blinking.js";
import { wireKeys } from "./pressing.js";

const pictures = blinking(document);
let isSent = false;

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".verdicts")) return;
  if (isSent) event.preventDefault();
  isSent = true;
});
addEventListener("pageshow", () => {
  isSent = false;
});
wireKeys(() => pictures, () => isSent);
pictures.start();
