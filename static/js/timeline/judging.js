// “It is not there”, said of one box in the frame view: counted at once, and taken back.
import { post } from "./posting.js";

/** What was said last, with its undo, in the sheet itself: it covers the page and its toasts. */
function say(sentence, undo = null) {
  const line = document.getElementById("judged");
  line.hidden = false;
  line.querySelector("span").textContent = sentence;
  const button = line.querySelector("button");
  button.hidden = !undo;
  button.onclick = undo;
}

/** Send it, let the figures follow, and offer to take it back. @returns {Promise<string>} why not */
async function judge(url, values, onSaid) {
  const answer = await post(url, values);
  if (answer.detail) return answer.detail;
  onSaid();
  say(answer.said, async () => {
    const back = await post(answer.undo, {});
    say(back.detail ?? back.said);
    onSaid();
  });
  return "";
}

/**
 * @param {HTMLElement} row of the list beside the frame
 * @param {{box: object, number: number, name: string, labels: Map, url: string, onSaid: () => void}} what
 */
export function wireJudging(row, { box, number, name, labels, url, onSaid }) {
  const part = row.querySelector("[data-judge]");
  if (!part) return; // may look and not say
  part.hidden = box.place < 0; // what a person drew is taken back, not judged
  const whole = part.querySelector("[data-track]");
  whole.closest("label").hidden = box.track < 0;
  const other = part.querySelector("select");
  for (const { id, name: called } of labels.values()) if (id !== box.label) other.append(new Option(called, String(id)));
  const judgeAs = async (label) => {
    const isWhole = box.track >= 0 && whole.checked;
    const problem = await judge(url, { box: number, label, track: isWhole ? "on" : "" }, onSaid);
    if (problem) say(problem);
  };
  part.querySelector("[data-no]").addEventListener("click", () => judgeAs(""));
  part.querySelector("[data-no]").setAttribute("aria-label", `${name} is not there`);
  const yes = part.querySelector("[data-yes]");
  yes.addEventListener("click", () => judgeAs(box.label));
  yes.setAttribute("aria-label", `${name} is there`);
  yes.hidden = box.confidence >= 1;
  other.setAttribute("aria-label", `${name} is another brand`);
  other.addEventListener("change", () => other.value && judgeAs(other.value));
}

/** The box that is drawn counts in this frame, without looking through the film again. */
export function wireDrawn({ button, form, url, onSaid, onDone, problem }) {
  button?.addEventListener("click", async () => {
    const { label, t, x1, y1, x2, y2 } = form.elements;
    if (!label.value) return problem("Choose which of the brands it is.");
    const values = { label: label.value, t: t.value, x1: x1.value, y1: y1.value, x2: x2.value, y2: y2.value };
    const why = await judge(url, values, onSaid);
    return why ? problem(why) : onDone();
  });
}
