// “Show as table”: what a chart shows, in words, made by the server when it is asked for.
import { choicesQuery } from "./address.js";
import { tell } from "./posting.js";

/** @param {{run: object, store: import("./page.js").Store, defaultMethod: string}} options */
export function wireTables({ run, store, defaultMethod }) {
  for (const button of document.querySelectorAll("[data-table]")) {
    const table = document.getElementById(button.getAttribute("aria-controls"));
    const fill = async () => {
      const query = choicesQuery(store.get(), defaultMethod);
      const response = await fetch(`${run.urls[button.dataset.table]}?${query}`).catch(() => null);
      if (response?.ok) table.innerHTML = await response.text();
      else tell("The table could not be fetched. Try again in a moment.");
    };
    button.addEventListener("click", async () => {
      if (table.hidden) await fill();
      table.hidden = !table.hidden;
      button.setAttribute("aria-expanded", String(!table.hidden));
      button.textContent = table.hidden ? "Show as table" : "Hide the table";
    });
    store.on(["figures"], () => !table.hidden && fill());
  }
}
