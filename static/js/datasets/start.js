// Starting a training project: the rules of labels, kept or broken while one types; logo files.
const labels = document.querySelector("[data-labels]");
const rules = document.querySelector("[data-rules]");
const zone = document.querySelector("[data-drop]");
const input = zone.querySelector("input");

function check() {
  const names = labels.value.split(/[,;\n]/).map((name) => name.trim().replace(/\s+/g, " ")).filter(Boolean);
  const folded = names.map((name) => name.toLocaleLowerCase());
  mark("count", names.length > 0 && new Set(folded).size <= Number(rules.dataset.most), names.length > 0);
  mark("length", names.every((name) => [...name].length <= 60), names.length > 0);
  mark("unique", new Set(folded).size === names.length, names.length > 0);
}

function mark(rule, isKept, isJudged) {
  const item = rules.querySelector(`[data-rule=${rule}]`);
  item.classList.toggle("kept", isJudged && isKept);
  item.classList.toggle("broken", isJudged && !isKept);
}
labels.addEventListener("input", check);
check();

function showFiles() {
  const names = [...input.files].map((file) => file.name);
  if (names.length) zone.querySelector("[data-chosen]").textContent = names.join(", ");
}
input.addEventListener("change", showFiles);
zone.addEventListener("dragover", (event) => {
  event.preventDefault();
  zone.classList.add("over");
});
zone.addEventListener("dragleave", () => zone.classList.remove("over"));
zone.addEventListener("drop", (event) => {
  event.preventDefault();
  zone.classList.remove("over");
  input.files = event.dataTransfer.files;
  showFiles();
});
showFiles();
