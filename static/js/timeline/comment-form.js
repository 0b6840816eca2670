// The form that a comment is written in: it keeps the moment, a stretch, and a place in the picture.
import { clock } from "../common/clock.js";
import { createCommentBox } from "./comment-box.js";
import { wireMentions } from "./mention-list.js";

/**
 * @param {{player: object, store: import("./page.js").Store, people: () => object[],
 *   send: (values: object) => Promise<{detail?: string}>}} options
 */
export function createCommentForm({ player, store, people, send }) {
  const drawer = document.getElementById("comment-box");
  const box = drawer && createCommentBox({ player, onBox: showPlace, onEnd: () => (showPlace(), field()?.focus()) });
  let at = null; // seconds; null: where the player is when somebody begins to type
  let until = null;
  let wasPlaying = false;

  const form = () => document.getElementById("comment-form");
  const field = () => document.getElementById("comment-text");
  const part = (name) => form()?.querySelector(`[data-${name}]`);

  function showTimes() {
    if (!form() || !part("start")) return;
    part("start-time").textContent = clock(at ?? store.get().time);
    part("end-time").textContent = until === null ? "…" : clock(until);
    part("end").setAttribute("aria-pressed", String(until !== null));
  }

  function showPlace() {
    const button = part("place");
    if (!button || !box) return;
    button.setAttribute("aria-pressed", String(box.isOn || Boolean(box.box)));
    part("place-words").textContent = box.isOn ? "Draw it" : box.box ? "Place set" : "Place";
  }

  function keepMoment() {
    at ??= store.get().time;
    showTimes();
  }

  function reset() {
    at = null;
    until = null;
    box?.clear();
    showTimes();
    showPlace();
  }

  function refused(sentence) {
    const said = document.getElementById("comment-error");
    said.textContent = sentence;
    said.hidden = !sentence;
    field().setAttribute("aria-invalid", String(Boolean(sentence)));
    if (sentence) field().focus();
  }

  async function submit(event) {
    event.preventDefault();
    const values = { text: field().value };
    if (!player.isPicture) values.start_s = (at ?? store.get().time).toFixed(3);
    if (until !== null) values.end_s = until.toFixed(3);
    if (box?.box) ["x1", "y1", "x2", "y2"].forEach((side, i) => (values[side] = box.box[i].toFixed(5)));
    const answer = await send(values);
    if (answer.detail) return refused(answer.detail);
    if (wasPlaying) player.toggle();
    wasPlaying = false;
    return reset();
  }

  function endHere() {
    const now = store.get().time;
    until = until === null && now > (at ?? 0) ? now : null;
    at ??= now;
    showTimes();
  }

  /** Bring the form that is on the page now to life. */
  function wire() {
    if (!form()) return;
    wireMentions(field(), people);
    field().addEventListener("input", keepMoment);
    field().addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form().requestSubmit();
      if (event.key === "Escape") {
        event.stopPropagation();
        if (!field().value) reset();
        field().blur();
      }
    });
    form().addEventListener("submit", submit);
    part("start")?.addEventListener("click", () => {
      at = store.get().time;
      if (until !== null && until <= at) until = null;
      showTimes();
    });
    part("end")?.addEventListener("click", endHere);
    part("place")?.addEventListener("click", () => {
      if (box.isOn) box.stop();
      else if (box.box) box.clear();
      else box.start();
      showPlace();
    });
    showTimes();
    showPlace();
  }

  store.on(["time"], () => at === null && showTimes());
  return {
    wire,
    box,
    /** What is being written, to be put back when the panel is drawn anew. */
    get draft() {
      return field()?.value ?? "";
    },
    set draft(text) {
      if (field()) field().value = text;
    },
    begin() {
      if (!form()) return;
      wasPlaying = !player.isPicture && !player.media.paused;
      player.pause();
      if (!field().value) at = store.get().time;
      showTimes();
      field().focus();
    },
  };
}
