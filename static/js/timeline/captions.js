// Captions over the picture: a WebVTT track that the server makes, and a line of our own where the
// browser draws none, over sound without a picture.
import { reads } from "./transcript-lines.js";

const STORED = "sightline.captions";
const ABOVE_CONTROLS = -6; // lines from the bottom

/** @param {{player: object}} options */
export function wireCaptions({ player }) {
  const { media } = player;
  const button = document.getElementById("show-captions");
  const own = document.getElementById("caption-line");
  const isFilm = media instanceof HTMLVideoElement;
  let track = null;
  let shown = null;
  let version = 0;
  let on = localStorage.getItem(STORED) === "on";

  function apply() {
    button?.setAttribute("aria-pressed", String(on));
    if (track) track.track.mode = on ? "showing" : "hidden";
    own.hidden = isFilm || !on || !own.textContent;
  }

  function lift() {
    for (const cue of track?.track.cues ?? []) cue.line = ABOVE_CONTROLS;
  }

  function renew() {
    if (!shown || !isFilm || !(on || track)) return; // of ten hours they are a megabyte
    version += 1;
    const fresh = document.createElement("track");
    fresh.kind = "captions";
    fresh.label = "What is said";
    if (shown.language) fresh.srclang = shown.language;
    fresh.src = `${shown.urls.captions}?v=${Date.now()}${version}`;
    fresh.addEventListener("load", lift);
    track?.remove();
    media.append(fresh);
    track = fresh;
    apply();
  }

  button?.addEventListener("click", () => {
    on = !on;
    localStorage.setItem(STORED, on ? "on" : "off");
    if (!track) renew();
    apply();
  });
  apply();

  return {
    renew,
    show(speech) {
      shown = speech;
      if (button) button.hidden = false;
      renew();
    },
    /** The line that is said, for a player that draws no captions. */
    say(line) {
      if (isFilm) return;
      own.textContent = line ? line.words.map((_, word) => reads(line, word)).filter(Boolean).join(line.blank) : "";
      own.hidden = !on || !own.textContent;
    },
  };
}
