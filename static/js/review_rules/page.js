// A review rule: the rows and the JSON, each following the other. What they would send is asked by
// the JSON's own field (htmx), whoever changed it.
import { documentOf, fresh, rowsOf } from "./document.js";
import { drawReasons, focusOn } from "./rows.js";

const json = document.querySelector("[name=conditions]");
const place = document.getElementById("reasons");
const add = document.getElementById("add-reason");
const notice = document.getElementById("only-json");
let reasons = [];
let isOurs = false; // the change of the JSON that is being told of

function write() {
  json.value = JSON.stringify(documentOf(reasons), null, 2);
  show();
  isOurs = true;
  json.dispatchEvent(new Event("input", { bubbles: true }));
  isOurs = false;
}

function read() {
  let found;
  try {
    found = JSON.parse(json.value);
  } catch {
    only("The JSON cannot be read as it stands; these rows come back when it can.");
    return;
  }
  const rows = rowsOf(found);
  if (!rows) {
    only("Rows cannot show this rule: it stays as JSON.");
    return;
  }
  reasons = rows;
  only("");
  drawReasons(place, reasons, write);
  show();
}

/** Why the rows are not shown. */
function only(why) {
  notice.hidden = !why;
  notice.querySelector("span").textContent = why;
  place.hidden = add.hidden = Boolean(why);
  if (why) document.getElementById("no-reasons").hidden = true;
}

function show() {
  document.getElementById("no-reasons").hidden = reasons.length > 0;
  add.querySelector("span").textContent = reasons.length ? "Or where …" : "Where …";
}

json.addEventListener("input", () => {
  if (!isOurs) read();
});
add.addEventListener("click", () => {
  reasons.push({ operator: "And", conditions: [fresh("LabelConfidenceCheck")] });
  drawReasons(place, reasons, write);
  write();
  focusOn(reasons.length - 1, 0, "[data-kind]");
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "would-send") return;
  json.setAttribute("aria-invalid", String(Boolean(event.target.querySelector("[data-refused]"))));
});
document.getElementById("rows").hidden = false;
read();
