// What waits and looks like the item before the person: a strip of small pictures, all to be seen, of
// which those that are ticked are decided along by one key.

/**
 * @param {object} options
 * @param {import("../labelling/desk.js").Desk} options.desk
 * @param {string} options.url  with 0 for the item
 * @param {() => (import("./works.js").Work|null)} options.work
 */
export function createAlike({ desk, url, work }) {
  const strip = document.getElementById("alike");
  const list = document.getElementById("alike-list");
  const says = document.getElementById("alike-says"); // apart: what is in the picture is being said
  const template = document.getElementById("alike-row");
  let shownOf = 0;

  async function show() {
    const now = work();
    strip.hidden = true;
    says.textContent = "";
    list.replaceChildren();
    shownOf = now?.id ?? 0;
    if (!now) return;
    const answer = await fetch(url.replace("/0/", `/${now.id}/`), { headers: { accept: "application/json" } }).catch(() => null);
    const found = answer?.ok ? await answer.json().catch(() => null) : null;
    if (shownOf !== now.id || work() !== now || !found?.items.length) return;
    list.replaceChildren(...found.items.map(rowOf));
    strip.hidden = false;
    says.textContent = `${found.items.length} more that wait look alike`;
  }

  function rowOf({ item, likeness, style, name, time_s: time }) {
    const row = template.content.firstElementChild.cloneNode(true);
    const box = row.querySelector("input");
    box.value = String(item);
    box.setAttribute("aria-label", `${name} at ${time.toFixed(1)} s, likeness ${likeness.toFixed(2)}`);
    row.title = box.getAttribute("aria-label");
    row.querySelector("[data-crop]").setAttribute("style", style);
    return row;
  }

  desk.on(["open"], show);

  return {
    /** The items that are ticked, of the one before the person. @returns {number[]} */
    get ticked() {
      if (strip.hidden || shownOf !== work()?.id) return [];
      return [...list.querySelectorAll("input:checked")].map(({ value }) => Number(value));
    },
  };
}
