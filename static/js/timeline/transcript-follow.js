// The transcript goes along with the player, until somebody reads elsewhere in it.

const LINGER_S = 0.6; // a word stays marked for as long after its end, where none follows

/** @param {{lines: object, view: object, player: object, store: import("./page.js").Store,
 *   captions: object, signal: AbortSignal}} options */
export function followPlayer({ lines, view, player, store, captions, signal }) {
  const { media } = player;
  const button = document.getElementById("transcript-follow");
  let follows = true;
  let said = null;
  let here = null;
  let scrolled = false; // by us, just now

  function mark(time) {
    const line = lines.all()[lines.at(time)];
    const word = line ? wordAt(line, time) : -1;
    const part = word >= 0 ? view.word(line, word) : null;
    if (part !== said) {
      said?.classList.remove("said");
      part?.classList.add("said");
      said = part;
    }
    const element = line ? view.line(line) : null;
    captions.say(line && time <= line.end + LINGER_S ? line : null);
    if (element === here) return;
    here?.classList.remove("here");
    element?.classList.add("here");
    here = element;
    if (follows) reveal();
  }

  function reveal() {
    if (!here || !view.box.clientHeight) return;
    scrolled = true;
    view.reveal(here);
    setTimeout(() => (scrolled = false), 100);
  }

  function follow(on) {
    follows = on;
    if (button) button.hidden = on;
    if (on) reveal();
  }

  const step = () => {
    if (signal.aborted) return;
    mark(media.currentTime);
    if (!media.paused) requestAnimationFrame(step);
  };
  media.addEventListener("play", step, { signal });
  for (const event of ["seeked", "timeupdate"]) media.addEventListener(event, () => mark(media.currentTime), { signal });
  lines.on(() => !signal.aborted && mark(store.get().time));
  new ResizeObserver(() => follows && reveal()).observe(view.box);

  // whoever scrolls reads elsewhere: a wheel, a finger, the bar beside it or a key
  for (const event of ["wheel", "touchmove"]) {
    view.box.addEventListener(event, () => follow(false), { signal, passive: true });
  }
  view.box.addEventListener("scroll", () => !scrolled && view.box.matches(":active") && follow(false), { signal });
  view.box.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) follow(false);
  }, { signal });
  button?.addEventListener("click", () => follow(true), { signal });

  return {
    pause: () => follow(false),
    /** Go to a word and play from there. */
    playFrom(line, word) {
      player.seek(line.starts[word]);
      follow(true);
      media.play().catch(() => {});
    },
  };
}

/** The word that is said at this time; -1 where none is. */
function wordAt({ starts, ends }, time) {
  const word = starts.findLastIndex((start) => start <= time);
  return word >= 0 && time <= ends[word] + LINGER_S ? word : -1;
}
