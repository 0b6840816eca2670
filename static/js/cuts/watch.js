// What a shared film is made of, as buttons that lead there.
const film = document.getElementById("film");
for (const button of document.querySelectorAll("[data-time]")) {
  button.addEventListener("click", () => {
    film.currentTime = Number(button.dataset.time) + 0.001;
    film.play().catch(() => {});
  });
}
