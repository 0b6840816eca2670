// Finding elsewhere what is here: the moment at the playhead, a box that was detected or is drawn, or
// what is heard around here. Each is sent as a form, and the search page opens with it.
import { createCommentBox } from "./comment-box.js";

const HEARD_S = 5; // around the playhead, where no range is chosen
const LONGEST_S = 60;

/** @param {{store: import("./page.js").Store, player: object, data: object}} options */
export function wireAsking({ store, player, data }) {
  const form = document.getElementById("ask-form");
  if (!form) return null;
  const sheet = document.getElementById("ask-sheet");
  const parts = form.elements;

  function send({ time = store.get().pictureTime, box = null, until = null }) {
    parts.t.value = Math.max(time, 0).toFixed(3);
    parts.box.value = box ? box.map((side) => side.toFixed(5)).join() : "";
    parts.until.value = until === null ? "" : until.toFixed(3);
    form.requestSubmit();
  }

  /** The chosen range where it is short enough, else some seconds around here. */
  function sound() {
    const { window: range, time } = store.get();
    const [start, end] = range ?? [Math.max(time - HEARD_S / 2, 0), Math.min(time + HEARD_S / 2, data.duration)];
    send({ time: start, until: Math.min(end, start + LONGEST_S) });
  }

  const canvas = document.getElementById("ask-box");
  const hint = document.getElementById("ask-hint");
  const drawing =
    canvas &&
    createCommentBox({
      player,
      canvas,
      name: "Find this",
      onBox() {},
      onEnd() {
        hint.hidden = true;
        if (drawing.box) send({ box: drawing.box });
      },
    });
  const draw = () => {
    if (!drawing || drawing.isOn) return;
    hint.hidden = false;
    drawing.start();
  };
  const moment = () => (data.kind === "audio" ? sound() : send({}));

  document.getElementById("find-alike").addEventListener("click", () => {
    player.pause();
    sheet.showModal();
  });
  const acts = { moment, draw, sound };
  sheet.addEventListener("click", (event) => {
    const act = acts[event.target.closest("[data-ask]")?.dataset.ask];
    if (event.target === sheet || act) sheet.close();
    act?.();
  });
  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-alike]");
    if (asked) send({ time: Number(asked.dataset.time), box: asked.dataset.alike.split(",").map(Number) });
  });
  return acts;
}
