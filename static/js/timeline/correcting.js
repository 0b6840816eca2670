// “Not there from 0:05 to 0:09”: said beside an exposure, counted at once, and taken back.
import { post, tell, tellUndo } from "./posting.js";

/** @param {{panel: HTMLElement, url: string, store: object, refresh: () => void}} options */
export function wireCorrections({ panel, url, store, refresh }) {
  panel.addEventListener("click", async ({ target }) => {
    const made = target.closest("[data-correct]");
    const back = target.closest("[data-uncorrect]");
    const which = target.closest("[data-corrections]");
    if (made) await correct(made);
    else if (back) await takeBack(back.dataset.uncorrect);
    else if (which) store.set({ corrections: which.dataset.corrections });
  });

  async function correct(button) {
    const { correct: label, from, to } = button.dataset;
    button.disabled = true;
    const answer = await post(url, { label, start: from, end: to });
    button.disabled = false;
    if (answer.detail) return tell(answer.detail);
    refresh();
    return tellUndo(answer.said, () => takeBack(answer.undo));
  }

  async function takeBack(address) {
    const answer = await post(address, {});
    if (answer.detail) return tell(answer.detail);
    refresh();
    return tell(answer.said, "info");
  }
}
