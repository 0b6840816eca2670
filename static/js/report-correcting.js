// A report that nobody issued yet is corrected where it is read: its figures follow.
import { wireCorrections } from "./timeline/correcting.js";

const page = document.getElementById("sheet").parentElement; // the sheet itself is replaced

wireCorrections({ panel: page, url: document.getElementById("sheet").dataset.corrects, refresh });

/** The same report again, with the keyboard where it was. @param {string} [label] that was corrected */
async function refresh(label) {
  const open = page.querySelector("details.corrections")?.open;
  await window.htmx.ajax("GET", location.href, { target: "#sheet", select: "#sheet", swap: "outerHTML show:none" });
  const made = page.querySelector("details.corrections");
  if (made && open) made.open = true;
  const form = page.querySelector(`[data-correct-stretch="${label}"]`);
  (form?.elements.instead ?? made?.querySelector("summary"))?.focus({ preventScroll: true });
}
