// “This is Emirates”: a box drawn in the frame view becomes a logo picture, and the film is looked at
// again for the brand. The form is posted by htmx; what comes back says how it stands.
import { createDrawing } from "./drawing.js";
import { wireDrawn } from "./judging.js";

const LEAST_PX = 12; // of the film; the server has the last word
const CUT_PX = 96;

/**
 * @param {{player: object, labels: Map, url: string, onSaid: () => void, onMove: () => void}} options
 * @returns {null|object}  null where the person may not
 */
export function createMissed({ player, labels, url, onSaid, onMove }) {
  const stage = document.getElementById("frame-stage");
  const canvas = document.getElementById("frame-drawing");
  const form = document.getElementById("again-form");
  const opener = document.getElementById("again-draw");
  const hint = document.getElementById("again-hint");
  const drawing = createDrawing({ stage, canvas, onMove, onBox: showBox });
  if (!form) return { drawing, isOn: () => false, show() {}, toggle() {}, key: () => false };
  const parts = form.elements;
  const says = document.getElementById("again-says");
  const picture = document.getElementById("frame-image");
  let time = 0;

  function toggle(isOn = !drawing.isOn) {
    if (isOn === drawing.isOn) return;
    if (isOn) {
      drawing.start();
      document.getElementById("again-standing").replaceChildren();
      stage.focus({ preventScroll: true });
    } else drawing.stop();
    stage.closest("dialog").classList.toggle("is-drawing", isOn);
    opener.setAttribute("aria-pressed", String(isOn));
    hint.hidden = !isOn;
  }

  function showBox(box) {
    if (!form) return;
    form.hidden = !box;
    hint.hidden = !drawing.isOn || Boolean(box);
    says.replaceChildren();
    if (!box) return;
    const [width, height] = pixels(box);
    ["x1", "y1", "x2", "y2"].forEach((side, i) => (parts[side].value = box[i]));
    parts.t.value = time;
    parts.key.value = `page:${crypto.randomUUID?.() ?? Math.random()}`;
    document.getElementById("again-size").textContent = `${width} × ${height} pixels of the film`;
    const isSmall = Math.min(width, height) < LEAST_PX;
    const problem = isSmall
      ? `This box is ${width} × ${height} pixels of the film. ${LEAST_PX} or more each way are needed: take a frame in which it is larger.`
      : "";
    if (problem) says.replaceChildren(said(problem));
    document.getElementById("again-go").disabled = isSmall;
    cut(box);
  }

  function pixels([x1, y1, x2, y2]) {
    const [wide, high] = player.size();
    return [Math.ceil(x2 * wide) - Math.floor(x1 * wide), Math.ceil(y2 * high) - Math.floor(y1 * high)];
  }

  function said(text) {
    const line = document.createElement("p");
    line.className = "error";
    line.textContent = text;
    return line;
  }

  /** The cut-out as it will be, from the best picture there is. */
  function cut([x1, y1, x2, y2]) {
    const shown = document.getElementById("again-cut");
    const from = picture.hidden ? player.media : picture;
    const [wide, high] = [from.naturalWidth || from.videoWidth, from.naturalHeight || from.videoHeight];
    const [width, height] = [(x2 - x1) * wide, (y2 - y1) * high];
    if (!(width > 0 && height > 0)) return;
    const scale = Math.min((2 * CUT_PX) / width, CUT_PX / height);
    [shown.width, shown.height] = [Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1)];
    shown.getContext("2d").drawImage(from, x1 * wide, y1 * high, width, height, 0, 0, shown.width, shown.height);
  }

  wireDrawn({
    button: document.getElementById("again-count"),
    form,
    url,
    onSaid,
    onDone: () => toggle(false),
    problem: (text) => says.replaceChildren(said(text)),
  });
  opener.addEventListener("click", () => toggle());
  document.getElementById("again-cancel").addEventListener("click", () => toggle(false));
  form.addEventListener("input", (event) => {
    if (event.target.name === "name" && event.target.value) {
      for (const choice of form.querySelectorAll("[name=label]")) choice.checked = false;
    }
    if (event.target.name === "label") {
      parts.name.value = "";
      drawing.colour(labels.get(Number(event.target.value))?.colour);
    }
    says.replaceChildren();
  });
  // the answer is in place: what was drawn is on its way
  document.body.addEventListener("htmx:afterSwap", (event) => {
    const target = event.detail.target ?? event.target;
    if (target.id !== "again-standing") return;
    if (drawing.isOn) toggle(false);
    target.closest("section").scrollIntoView({ block: "nearest" });
  });

  return {
    drawing,
    isOn: () => drawing.isOn,
    toggle,
    /** Another frame is shown. */
    show(now) {
      time = now;
      if (drawing.isOn) toggle(false);
    },
    key: drawing.key,
  };
}
