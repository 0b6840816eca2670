// The file of weights that a training starts from: how much of it is sent, and what is too large.

const form = document.querySelector("form[enctype]");

form?.addEventListener("htmx:beforeRequest", (event) => {
  const field = event.target;
  if (field.id !== "weights") return;
  const [file] = field.files;
  const problem = field.parentElement.querySelector("[data-problem]");
  const isTooLarge = file && file.size > Number(field.dataset.most);
  problem.hidden = !isTooLarge;
  if (isTooLarge) {
    problem.textContent = "This file is too large.";
    field.value = "";
  }
  if (isTooLarge || !file) event.preventDefault();
  else field.parentElement.querySelector("[data-sending]").hidden = false;
});

form?.addEventListener("htmx:xhr:progress", (event) => {
  const row = document.querySelector("[data-sending]");
  if (!row || row.hidden || !event.detail.lengthComputable) return;
  const share = event.detail.loaded / event.detail.total;
  row.querySelector("progress").value = share;
  row.querySelector("[data-sent]").textContent = `Sent ${Math.floor(share * 100)} %`;
});

form?.addEventListener("htmx:responseError", failed);
form?.addEventListener("htmx:sendError", failed);

function failed(event) {
  if (event.target.id !== "weights") return;
  const problem = event.target.parentElement.querySelector("[data-problem]");
  event.target.parentElement.querySelector("[data-sending]").hidden = true;
  problem.textContent = "The file did not arrive. Choose it again.";
  problem.hidden = false;
  event.target.value = "";
}
