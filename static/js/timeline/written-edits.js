// A line of writing corrected in place. What was read stays beside it, and every correction can be undone.
import { post, tell, tellUndo } from "./posting.js";

/**
 * @param {{written: object, list: HTMLElement, signal: AbortSignal, put: (line: object) => void}} options
 *   `put`: shows a line as it reads now
 * @returns {{open: (line: object, item: HTMLElement) => void, undo: (line: object|undefined) => void}}
 */
export function wireLineEdits({ written, list, signal, put }) {
  const correct = document.getElementById("written-correct");
  const done = []; // ids of the corrections made here, the last one last
  let leave = () => {};

  correct?.addEventListener("click", () => {
    const on = correct.getAttribute("aria-pressed") !== "true";
    correct.setAttribute("aria-pressed", String(on));
    list.classList.toggle("correcting", on);
  }, { signal });

  function open(line, item) {
    if (!written.mayEdit) return;
    leave();
    const button = item.querySelector("button");
    const field = document.createElement("input");
    field.type = "text";
    field.className = "line-field";
    field.maxLength = 1000;
    field.dir = "auto";
    field.value = line.text;
    field.setAttribute("aria-label", `Correct “${line.was}”. Enter keeps it, Escape leaves it`);
    button.hidden = true;
    item.append(field);
    let over = false;
    const end = (keep, { focus = true } = {}) => {
      if (over) return;
      over = true;
      leave = () => {};
      const text = field.value.trim().replace(/\s+/g, " ");
      field.remove();
      button.hidden = false;
      if (focus) button.focus();
      if (keep && text !== line.text) change(line, text);
    };
    leave = () => end(true, { focus: false });
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return;
      event.preventDefault();
      end(event.key === "Enter");
    });
    field.addEventListener("click", (event) => event.stopPropagation());
    field.addEventListener("blur", () => end(true, { focus: false }));
    field.focus();
    field.select();
  }

  async function change(line, text) {
    const answer = await send(written.edit, { line: line.id, text });
    if (!answer) return;
    done.push(answer.edit);
    tellUndo(text ? `“${line.text}” reads “${text}” now.` : `“${line.text}” is taken out.`, () => takeBack(answer.edit));
  }

  async function takeBack(id) {
    if (!id || !(await send(written.undo.replace("/0/", `/${id}/`), {}))) return;
    if (done.includes(id)) done.splice(done.indexOf(id), 1);
    tell("Taken back", "info");
  }

  /** The line as it reads now, or null where it was refused; that is said. */
  async function send(url, values) {
    const answer = await post(url, values);
    if (answer.detail) {
      tell(answer.detail);
      return null;
    }
    put(answer);
    document.body.dispatchEvent(new Event("words-edited"));
    return answer;
  }

  return { open, undo: (line) => takeBack(line?.edit ?? done.at(-1)) };
}
