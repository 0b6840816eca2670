// A button for what every browser can do anyway.

const button = document.querySelector("[data-print]");
button.hidden = false;
button.addEventListener("click", () => print());
