// Synthesis: what the sliders say, and logo files that send themselves.
import { onChosen } from "../choosing.js";

function say(slider) {
  const output = slider.closest(".slider")?.querySelector("output");
  if (output) output.textContent = slider.value + (slider.dataset.unit ? `\u202f${slider.dataset.unit}` : "");
}
for (const slider of document.querySelectorAll(".slider input")) {
  say(slider);
  slider.addEventListener("input", () => say(slider));
}

for (const form of document.querySelectorAll("[data-logo-file]")) {
  const input = form.querySelector("[type=file]");
  const zone = form.querySelector("[data-drop]");
  onChosen(input, () => form.requestSubmit());
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    input.files = event.dataTransfer.files;
    if (input.files.length) form.requestSubmit();
  });
}
