// Print, and a form that applies itself when something is chosen.

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}

const choices = document.querySelector("#choices");
choices?.addEventListener("submit", () => {
  // Fields left empty do not belong in the address.
  for (const field of choices.querySelectorAll("input")) if (field.value === "") field.disabled = true;
  const { rate, currency } = choices.elements;
  if (currency && !rate.value) currency.disabled = true;
  const { corrections } = choices.elements;
  if (corrections && !corrections.value) corrections.disabled = true;
  setTimeout(() => { for (const field of choices.querySelectorAll("input, select")) field.disabled = false; });
});
// Of a season: what was not chosen need not be in the address, and a tick is a choice.
choices?.addEventListener("submit", () => {
  const boxes = (name) => [...choices.querySelectorAll(`input[name="${name}"]`)];
  const of = choices.elements.of?.value;
  const unneeded = of === "newest" ? boxes("run") : [];
  if (boxes("brand").every((box) => box.checked)) unneeded.push(...boxes("brand"), ...boxes("known"));
  for (const box of unneeded) box.disabled = true;
  setTimeout(() => { for (const box of unneeded) box.disabled = false; });
});
choices?.addEventListener("change", ({ target }) => {
  if (target.name === "run") choices.elements.of.value = "chosen";
  if (target.name === "project") { choices.elements.of.value = "newest"; choices.requestSubmit(); }
  if (target.name === "show" || target.name === "corrections") choices.requestSubmit();
});
choices?.querySelector("select:not(#project)")?.addEventListener("change", () => choices.requestSubmit());
