// “Not there from 0:05 to 0:09”, or “is Norra Bank”: said beside an exposure, on the asset's page and
// in its report; counted at once, and taken back.
import { clock, fromClock } from "../common/clock.js";
import { post, tell, tellUndo } from "./posting.js";

/**
 * @param {{panel: HTMLElement, url: string, refresh: (label?: string) => void,
 *   choose?: (corrections: string) => void}} options  choose: count what people corrected, or not
 */
export function wireCorrections({ panel, url, refresh, choose }) {
  panel.addEventListener("click", async ({ target }) => {
    const made = target.closest("[data-correct]");
    const back = target.closest("[data-uncorrect]");
    const which = target.closest("[data-corrections]");
    const one = target.closest("li")?.querySelector("[data-correct]");
    if (made) await correct(made, { label: made.dataset.correct, start: made.dataset.from, end: made.dataset.to });
    else if (back) await takeBack(back.dataset.uncorrect);
    else if (which) choose?.(which.dataset.corrections);
    else if (one) fillIn(one.dataset, { isWanted: Boolean(target.closest("[data-correct-this]")) });
  });

  panel.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-correct-stretch]");
    if (!form) return;
    event.preventDefault();
    const [start, end] = [form.elements.start, form.elements.end].map(secondsOf);
    if (!(start < end)) {
      tell("Write from when to when, as 0:05.0 and 0:09.0: the start comes before the end.");
      form.elements.start.focus();
      return;
    }
    const instead = form.elements.instead.value;
    await correct(form.querySelector("button"), { label: form.dataset.correctStretch, start, end, instead });
  });

  /** The exposure that was chosen, in the form below it. */
  function fillIn({ correct: label, from, to }, { isWanted }) {
    const form = panel.querySelector(`[data-correct-stretch="${label}"]`);
    if (!form) return;
    for (const [name, exact] of [["start", from], ["end", to]]) {
      form.elements[name].value = clock(Number(exact));
      form.elements[name].dataset.exact = exact;
    }
    if (isWanted) form.elements.instead.focus();
  }

  async function correct(button, values) {
    button.disabled = true;
    const answer = await post(url, values);
    button.disabled = false;
    if (answer.detail) return tell(answer.detail);
    refresh(values.label);
    return tellUndo(answer.said, () => takeBack(answer.undo));
  }

  async function takeBack(address) {
    const answer = await post(address, {});
    if (answer.detail) return tell(answer.detail);
    refresh();
    return tell(answer.said, "info");
  }
}

/** What was written; to the microsecond where it is an exposure's own time, which reads shorter. */
function secondsOf(field) {
  const { exact } = field.dataset;
  return exact && field.value === clock(Number(exact)) ? Number(exact) : fromClock(field.value);
}
