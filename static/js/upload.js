// Uploads on the page of the library or of a project: chosen, dropped, in folders, two at a time,
// each in a row. What comes into a project is analysed for it, and goes on in its list of assets.
import { onChosen } from "./choosing.js";
import { onDrop } from "./dropping.js";
import { keyOf } from "./keys.js";
import { size, UploadRows } from "./upload-rows.js";

const here = document.querySelector("[data-upload-place]");
const panel = document.getElementById("uploads");
const list = panel.querySelector("ul");
const clear = panel.querySelector("[data-clear]");
const said = panel.querySelector("[data-said]");
const form = document.getElementById("upload-form");
const place = {
  uploads: here.dataset.uploads,
  workspace: here.dataset.workspace,
  collection: here.dataset.collection,
  project: here.dataset.project,
  token: form.querySelector("[name=csrfmiddlewaretoken]").value,
};
const rows = new UploadRows(list, place, { arrive, fail: (row, error) => (said.textContent = error.message), change: show });

/** From here on the row, or the project's list, tells how the asset is prepared. */
function arrive(row, { asset, isDuplicate }) {
  rows.leave(row);
  said.textContent = `${row.file.name} ${isDuplicate ? "was already in your library" : "is uploaded"}.`;
  if (place.project) {
    row.item.remove();
    show();
    htmx.ajax("GET", here.dataset.assets, { target: "#project-assets", swap: "outerHTML show:none" })
      .then(() => document.getElementById("project-assets").scrollIntoView({ block: "nearest" }));
    return;
  }
  const named = `&file=${encodeURIComponent(row.file.name)}`;
  const url = here.dataset.status.replace("/0/", `/${asset}/`) + named + (isDuplicate ? "&was=there" : "");
  document.getElementById(`arrived-${asset}`)?.remove(); // the same bytes, dropped twice
  // asked for by the row itself: of what the page as a whole asks for, only the last one is waited for
  htmx.ajax("GET", url, { source: row.item, target: row.item, swap: "outerHTML" });
  refreshSoon();
}

function show() {
  const going = [...rows.active, ...rows.waiting];
  const total = going.reduce((sum, row) => sum + row.file.size, 0);
  const sent = going.reduce((sum, row) => sum + (row.sent || 0), 0);
  panel.hidden = !list.children.length;
  panel.querySelector("[data-overall]").textContent = going.length ? `${going.length} to go · ${size(sent)} of ${size(total)}` : "";
  if (clear) clear.hidden = !list.querySelector(".arrived");
}

clear?.addEventListener("click", () => {
  list.querySelectorAll(".arrived").forEach((item) => item.remove());
  show();
});
document.addEventListener("htmx:afterSwap", show);

let refresh;
function refreshSoon() {
  clearTimeout(refresh);
  refresh = setTimeout(() => document.body.dispatchEvent(new Event("library-changed")), 400);
}

// --- choosing and dropping ----------------------------------------------------------------------
const isWanted = (file) => !/^(\.|Thumbs\.db$|desktop\.ini$)/i.test(file.name);

for (const input of [form.querySelector("[type=file]"), ...here.querySelectorAll("[data-choose]")]) {
  onChosen(input, () => {
    rows.add([...input.files].filter(isWanted));
    input.value = "";
  });
}
onDrop(here.querySelector(".overlay"), (found) => rows.add(found.map(([file]) => file).filter(isWanted)));

document.addEventListener("keydown", (event) => {
  if (keyOf(event) === "u") form.querySelector("[type=file]").click();
});
