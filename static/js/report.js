// Print, copy, and a form that applies itself when something is chosen.

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.querySelector(button.dataset.copy);
    await navigator.clipboard.writeText(source.textContent.trim());
    button.textContent = "Copied";
  });
}

const choices = document.querySelector("#choices");
choices?.addEventListener("submit", () => {
  // Fields left empty do not belong in the address.
  for (const field of choices.elements) if (field.value === "") field.disabled = true;
  if (!choices.elements.rate?.value) choices.elements.currency.disabled = true;
  setTimeout(() => { for (const field of choices.elements) field.disabled = false; });
});
choices?.querySelector("select")?.addEventListener("change", () => choices.requestSubmit());
