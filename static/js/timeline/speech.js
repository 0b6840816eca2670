// What was said, beside the player: reads what the server put into the page, and reads it anew when
// another version of the transcript is done.
import { wireCaptions } from "./captions.js";
import { markMentions } from "./mentions.js";
import { createLines } from "./transcript-lines.js";
import { wireEdits } from "./transcript-edits.js";
import { wireFind } from "./transcript-find.js";
import { followPlayer } from "./transcript-follow.js";
import { createView } from "./transcript-view.js";

/** @param {{player: object, store: import("./page.js").Store, labels: Map<number, object>}} options */
export function wireSpeech({ player, store, labels }) {
  const pane = document.getElementById("pane-transcript");
  if (!pane || player.isPicture) return;
  const captions = wireCaptions({ player });
  let shown = start({ player, store, captions, labels });
  document.body.addEventListener("speech-progress", () => shown?.more());
  for (const over of ["speech-over", "speakers-over"]) document.body.addEventListener(over, async () => {
    await shown?.more();
    if (pane.querySelector(".transcript input")) return; // somebody is writing: not under their hands
    if (!(await renew(pane))) return;
    shown?.stop();
    shown = start({ player, store, captions, labels });
    document.body.dispatchEvent(new Event("speech-renewed"));
  });
  pane.addEventListener("click", (event) => {
    const link = event.target.closest(".dropped [data-time], .speakers [data-time]");
    if (link) player.seek(Number(link.dataset.time));
  });
}

function start({ player, store, captions, labels }) {
  const speech = JSON.parse(document.getElementById("speech-data")?.textContent ?? "null");
  if (!speech) return null;
  const stopped = new AbortController();
  const { signal } = stopped;
  const lines = createLines({ speech, store, signal });
  lines.on(() => signal.aborted || store.set({ lines: [...lines.all()] })); // a list of its own: they change in place
  const view = createView({ lines, player, signal });
  const follow = followPlayer({ lines, view, player, store, captions, signal });
  const edits = speech.mayEdit ? wireEdits({ speech, lines, view, captions, signal }) : null;
  wireFind({ lines, view, follow, signal });
  markMentions({ view, lines, store, labels, signal });
  function edit(line, word) {
    if (!edits) return;
    player.pause(); // the first of two clicks began to play
    edits.open(line, word);
  }
  view.onWord((line, word, { isDouble }) => {
    const isCorrecting = document.getElementById("transcript-correct")?.getAttribute("aria-pressed") === "true";
    if (edits && (isDouble || isCorrecting)) edit(line, word);
    else if (!isDouble) follow.playFrom(line, word);
  });
  view.onEdit(edit);
  captions.show(speech);
  lines.begin();
  return {
    more: async () => {
      await lines.more();
      captions.show(speech);
    },
    stop: () => stopped.abort(),
  };
}

/** The pane as the server draws it now. False: it could not be had. */
async function renew(pane) {
  const response = await fetch(location.href).catch(() => null);
  if (!response?.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const [now, data] = [page.getElementById("pane-transcript"), page.getElementById("speech-data")];
  if (!now) return false;
  pane.replaceChildren(...now.childNodes);
  window.htmx?.process(pane);
  document.getElementById("speech-data")?.remove();
  if (data) document.body.append(data);
  return true;
}
