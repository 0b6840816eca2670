// Brands in what is said and written of a file that nobody analysed: their lanes, and their words in
// the transcript. The server draws the list beside the player, with what is needed here.

/** @param {{store: import("./page.js").Store, player: object, lanes: object|null,
 *   labels: Map<number, {id: number, name: string, colour: string}>}} options */
export function wireNamed({ store, player, lanes, labels }) {
  let read = null;

  function show() {
    const data = document.getElementById("named-data");
    if (data === read) return;
    read = data;
    const brands = JSON.parse(data?.textContent ?? "[]");
    labels.clear();
    for (const brand of brands) labels.set(brand.id, brand);
    const rows = (of) => Object.fromEntries(brands.filter((b) => b[of].start.length).map((b) => [b.id, b[of]]));
    lanes?.nameBrands(brands);
    store.set({ said: rows("said"), written: rows("written") });
  }

  document.addEventListener("click", ({ target }) => {
    const named = target.closest("#named [data-said]");
    if (named) player.seek(Number(named.dataset.said));
  });
  document.body.addEventListener("htmx:afterSettle", show);
  show();
}

/** The places of one of them, in the list. */
export function openNamed(name) {
  const list = [...document.querySelectorAll("#named .said-of")];
  const one = list.find((each) => each.querySelector("summary .cut").textContent === name);
  if (!one) return;
  one.open = true;
  one.scrollIntoView({ block: "nearest" });
}
