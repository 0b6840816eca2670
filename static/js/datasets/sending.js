// The import form: says how much of the files has been sent. Without it the form works as it is.
const form = document.querySelector("form[data-sending]");
const said = form.querySelector("[data-said]");
const bar = form.querySelector("[data-sent]");
const button = form.querySelector("button");

form.addEventListener("submit", (event) => {
  const { files } = form.elements.files;
  if (!files.length) return; // the server says what is missing
  event.preventDefault();
  if (files.length > Number(form.dataset.most)) {
    said.textContent = `${form.dataset.most} files at a time. Put more into an archive.`;
    return;
  }
  send();
});

function send() {
  const request = new XMLHttpRequest();
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    bar.value = total ? loaded / total : 0;
    said.textContent = loaded < total ? `${Math.floor((100 * loaded) / total)} % sent` : "Sent. Being put away …";
  });
  request.addEventListener("load", () => {
    if (request.status < 400) window.location.assign(request.responseURL);
    else refused(request);
  });
  request.addEventListener("error", () => stop("The connection was lost. Send it again."));
  request.open("POST", window.location.href);
  request.send(new FormData(form));
  button.disabled = true;
  bar.hidden = false;
}

function refused(request) {
  const page = new DOMParser().parseFromString(request.responseText, "text/html");
  const errors = [...page.querySelectorAll("form[data-sending] .error")].map((e) => e.textContent);
  stop(errors.join(" ") || "The server did not take it. Reload the page and send it again.");
}

function stop(text) {
  button.disabled = false;
  bar.hidden = true;
  said.textContent = text;
}
