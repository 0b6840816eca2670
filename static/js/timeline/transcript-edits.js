// A word corrected in place. What was recognised stays beside it, and every correction can be undone.
import { post, tell } from "./posting.js";
import { reads } from "./transcript-lines.js";

/** @param {{speech: object, lines: object, view: object, captions: object, signal: AbortSignal}} options */
export function wireEdits({ speech, lines, view, captions, signal }) {
  const correct = document.getElementById("transcript-correct");
  const done = []; // ids of the edits made here, the last one last
  let writing = null;

  correct?.addEventListener("click", () => {
    const on = correct.getAttribute("aria-pressed") !== "true";
    correct.setAttribute("aria-pressed", String(on));
    view.box.classList.toggle("correcting", on);
  }, { signal });
  view.box.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z" || event.target.matches("input")) return;
    event.preventDefault();
    const part = event.target.closest("[data-word]");
    const line = part && lines.byId(Number(part.closest(".line").dataset.line));
    undo(done.at(-1) ?? line?.edits[part.dataset.word]?.id);
  }, { signal });

  function open(line, word) {
    writing?.leave();
    const part = view.word(line, word);
    if (!part) return;
    getSelection()?.removeAllRanges();
    const field = document.createElement("input");
    field.type = "text";
    field.className = "word-field";
    field.maxLength = 200;
    field.dir = "auto";
    field.value = reads(line, word);
    field.setAttribute("aria-label", `Correct “${line.words[word]}”. Enter keeps it, Escape leaves it`);
    const fit = () => (field.style.width = `${Math.max(field.value.length + 2, 5)}ch`);
    fit();
    field.addEventListener("input", fit);
    part.replaceChildren(field);
    if (line.edits[word]) part.append(backButton(line, word));
    let over = false;
    const end = (keep) => {
      if (over) return;
      over = true;
      writing = null;
      const text = field.value.trim().replace(/\s+/g, " ");
      view.dress(line, word);
      if (keep && text !== reads(line, word)) keepWord(line, word, text);
    };
    writing = { leave: () => end(true) };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.isComposing || !["Enter", "Escape", "Tab"].includes(event.key)) return;
      event.preventDefault();
      end(event.key !== "Escape");
      const next = event.key === "Tab" && view.neighbour([line, word], { by: event.shiftKey ? -1 : 1, of: "word" });
      if (next) open(...next);
      else view.focus(line, word);
    });
    for (const event of ["click", "dblclick"]) field.addEventListener(event, (e) => e.stopPropagation());
    part.addEventListener("focusout", (event) => !part.contains(event.relatedTarget) && end(true), { once: true });
    field.focus();
    field.select();
  }

  function backButton(line, word) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn s";
    button.textContent = `Back to “${line.words[word]}”`;
    button.addEventListener("click", (event) => {
      event.stopPropagation();
      const { id } = line.edits[word];
      button.closest("[data-word]").querySelector("input").value = reads(line, word);
      undo(id);
    });
    return button;
  }

  async function keepWord(line, word, text) {
    const before = reads(line, word);
    const answer = await send(speech.urls.edit, { segment: line.id, word, text });
    if (!answer) return;
    done.push(answer.edits[word].id);
    lines.put(answer);
    captions.renew();
    document.body.dispatchEvent(new Event("words-edited"));
    tell(text ? `“${before}” reads “${text}” now. Ctrl+Z takes it back.` : `“${before}” is taken out. Ctrl+Z takes that back.`, "info");
  }

  async function undo(id) {
    if (!id) return;
    const answer = await send(speech.urls.undo.replace("/0/", `/${id}/`), {});
    if (!answer) return;
    if (done.includes(id)) done.splice(done.indexOf(id), 1);
    lines.put(answer);
    captions.renew();
    document.body.dispatchEvent(new Event("words-edited"));
    tell("Taken back", "info");
  }

  return { open };
}

/** The answer, or null where it was refused; that is said. */
async function send(url, values) {
  const answer = await post(url, values);
  if (!answer.detail) return answer;
  tell(answer.detail);
  return null;
}
