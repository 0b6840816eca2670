// Everything that was done to a work, newest first, and the way back to any moment of it.
import { ask } from "./server.js";

/** @param {{desk: import("./desk.js").Desk, outbox: import("./outbox.js").Outbox}} options */
export function createHistory({ desk, outbox }) {
  const box = document.getElementById("work-history");
  const list = document.getElementById("history-list");
  const more = document.getElementById("history-more");
  const note = document.getElementById("history-note");
  const row = document.getElementById("history-row");
  let timer = 0;

  async function fill(before = null) {
    if (!box.open) return;
    const { session } = desk;
    try {
      const rows = await ask(session.data.urls.history + (before ? `?before=${before}` : ""));
      if (session !== desk.session) return;
      if (!before) list.replaceChildren();
      list.append(...rows.map(entry));
      more.hidden = rows.length < 200;
      note.textContent = list.children.length ? "" : "Nothing was done yet.";
    } catch {
      note.textContent = "The history could not be fetched. Close and open it to try again.";
    }
  }

  function entry({ number, at, by, words }) {
    const made = row.content.firstElementChild.cloneNode(true);
    made.dataset.number = String(number);
    made.querySelector("[data-words]").textContent = words;
    const time = made.querySelector("time");
    time.dateTime = at;
    time.textContent = new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    time.title = new Date(at).toLocaleString();
    made.querySelector("[data-by]").textContent = by === desk.session.data.person ? "" : by;
    const button = made.querySelector("button");
    button.setAttribute("aria-label", `Back to this moment: ${words}`);
    button.hidden = desk.session.isReadOnly;
    return made;
  }

  list.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { session } = desk;
    if (!(await outbox.flush())) return desk.toast("There are changes that are not saved yet. Restore once they are.");
    try {
      const number = Number(button.closest("li").dataset.number);
      const { document: state, version } = await ask(session.data.urls.restore, { method: "POST", body: { number } });
      session.data.version = version;
      session.restored("restored an earlier state", state);
      desk.toast("Restored. Undo leads back.");
      fill();
    } catch (error) {
      desk.toast(error.message || "That moment could not be restored. Try again.", "error");
    }
  });
  more.addEventListener("click", () => fill(list.lastElementChild?.dataset.number));
  box.addEventListener("toggle", () => fill());
  desk.on(["open"], () => fill());
  outbox.addEventListener("state", () => {
    clearTimeout(timer);
    if (box.open && outbox.state === "saved") timer = setTimeout(fill, 400);
  });
}
