// Choosing exposures of a night: a box for all of a group, how many are chosen, and filters that
// work at once and keep what was chosen in the page.

const form = document.getElementById("night-form");
const filter = document.getElementById("filter");

if (form) {
  const boxes = () => [...form.querySelectorAll("input[name=exposures]")];
  const count = form.querySelector("[data-count]");

  const say = () => {
    const n = boxes().filter((box) => box.checked).length;
    count.textContent = n ? `${n} chosen` : "none chosen";
    for (const group of form.querySelectorAll(".exposure-group")) {
      const own = [...group.querySelectorAll("input[name=exposures]")];
      const chosen = own.filter((box) => box.checked).length;
      const all = group.querySelector("[data-all]");
      all.checked = chosen === own.length;
      all.indeterminate = chosen > 0 && chosen < own.length;
    }
  };

  form.addEventListener("change", (event) => {
    if (event.target.matches("[data-all]")) {
      const group = event.target.closest(".exposure-group");
      for (const box of group.querySelectorAll("input[name=exposures]")) {
        box.checked = event.target.checked;
      }
    }
    say();
  });
  say();
}

if (filter) {
  filter.addEventListener("change", () => filter.requestSubmit());
}
