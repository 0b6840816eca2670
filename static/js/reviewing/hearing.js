// A mention or a sentence that is reviewed: its words with how surely they were heard, the sound around
// them, and what the person says instead.
const SPEEDS = [1, 0.75, 0.5, 1.5];
const AT_ONCE = "sightline.reviewing.at-once";
const $ = (id) => document.getElementById(id);

/**
 * What Enter says of it now.
 * @param {{item: object, chosen: number|null, text: string|null}} work
 * @returns {{verdict: "right"|"other"|"words", label?: number, line?: number, text?: string}}
 */
export function answerOf({ item, chosen, text }) {
  const { sentence } = item.told;
  if (sentence && text !== null && spaced(text) !== spaced(sentence.text)) return { verdict: "words", line: sentence.line, text: spaced(text) };
  if (item.kind === "mention" && chosen !== null && chosen !== item.label) return { verdict: "other", label: chosen };
  return { verdict: "right" };
}

const spaced = (text) => text.split(/\s+/).filter(Boolean).join(" ");

/** The button of Enter, and what was said once it was pressed. @param {(id: number) => string} nameOf */
export function answerInWords({ item }, answer, nameOf) {
  if (answer === null) return "Cannot tell";
  if (answer.verdict === "words") return answer.text ? "Correct the words" : "Nobody said anything";
  if (item.kind === "words") return answer.verdict === "right" ? "As it was said" : "Nobody said that";
  if (answer.verdict === "wrong") return `Not ${nameOf(item.label)}`;
  return `It is ${nameOf(answer.label ?? item.label)}`;
}

/** For who listens: what is asked. */
export function askedInWords(item, nameOf) {
  const { told } = item;
  if (item.kind === "words") return `Is this what was said: ${told.sentence?.text ?? told.text}`;
  return `${told.source === "written" ? "Written" : "Said"}: ${told.mention}, found as ${nameOf(item.label)} at ${told.confidence.toFixed(2)}`;
}

/**
 * @param {{desk: import("../labelling/desk.js").Desk, work: () => object|null, accept: () => void, back: () => void}} options
 *   `back`: where keys go on after the words were typed
 */
export function createHearing({ desk, work, accept, back }) {
  const sound = new Audio();
  sound.preload = "auto";
  const text = $("heard-text");
  const atOnce = $("heard-at-once");
  let loops = false;
  let speed = 0;
  atOnce.checked = remembered();

  const told = () => work()?.item.told ?? null;

  function show() {
    const now = told();
    stop();
    $("heard").hidden = !now;
    $("found").hidden = Boolean(now);
    $("work").classList.toggle("is-heard", Boolean(now));
    $("work").classList.toggle("is-words", work()?.item.kind === "words");
    document.querySelector("[data-do=reject] [data-words]").textContent = !now ? "Nothing right" : work().item.kind === "words" ? "Nobody said that" : "Not it";
    if (!now) return;
    const { sentence } = now;
    $("heard-title").textContent = now.source === "written" ? "What is written" : "What is said";
    $("heard-words").replaceChildren(...(sentence ? wordsOf(sentence) : [marked(now.text, now.confidence)]));
    $("heard-edit").hidden = !sentence;
    text.value = work().text ?? sentence?.text ?? "";
    $("heard-sound").hidden = now.source === "written";
    $("heard-none").hidden = now.source === "written" || Boolean(now.sound);
    for (const button of $("heard-sound").querySelectorAll("button")) button.disabled = !now.sound;
    const was = sentence?.words.some((word) => word.text !== word.was);
    $("heard-was").hidden = !was;
    $("heard-was").textContent = was ? `Heard as: ${sentence.words.map((word) => word.was).join(sentence.blank)}` : "";
    $("heard-why").hidden = !now.why;
    $("heard-why").href = now.why ?? "";
    if (now.sound) load(now);
  }

  function wordsOf({ words, blank }) {
    const parts = [];
    for (const word of words) {
      if (!word.text) continue;
      parts.push(word.is_marked ? marked(word.text, word.sure) : plain(word), blank);
    }
    return parts;
  }

  function plain({ text: said, sure }) {
    const made = document.createElement("span");
    made.textContent = said;
    made.title = `Heard with a probability of ${sure.toFixed(2)}`;
    return made;
  }

  function marked(said, sure) {
    const made = document.createElement("mark");
    const how = document.createElement("small");
    how.className = "num";
    how.textContent = sure.toFixed(2);
    made.append(said, " ", how);
    return made;
  }

  // --- the sound ---------------------------------------------------------------------------------

  function load(now) {
    const [from] = now.play;
    if (sound.src !== new URL(now.sound, location.href).href) sound.src = now.sound;
    sound.playbackRate = SPEEDS[speed];
    sound.currentTime = from;
    if (atOnce.checked) play();
  }

  function stop() {
    sound.pause();
    $("heard-play").setAttribute("aria-pressed", "false");
  }

  function play() {
    const now = told();
    if (!now?.sound) return desk.say(now ? "There is no sound to play" : "This is a picture");
    if (!sound.paused) return stop();
    sound.currentTime = now.play[0];
    sound.playbackRate = SPEEDS[speed];
    $("heard-play").setAttribute("aria-pressed", "true");
    return sound.play().catch(() => {
      stop();
      desk.say("The browser does not play it by itself: press P");
    });
  }

  sound.addEventListener("timeupdate", () => {
    const now = told();
    if (!now || sound.paused || sound.currentTime < now.play[1]) return;
    if (loops) sound.currentTime = now.play[0];
    else stop();
  });
  sound.addEventListener("ended", () => (loops && told() ? play() : stop()));
  sound.addEventListener("error", () => {
    if (!told()?.sound) return;
    $("heard-none").hidden = false;
    stop();
  });

  // --- what is said instead ----------------------------------------------------------------------

  text.addEventListener("input", () => {
    if (!work()) return;
    work().text = text.value;
    desk.tell("heard");
  });
  text.addEventListener("keydown", (event) => {
    event.stopPropagation(); // letters are letters here
    if (event.key === "Escape") return back();
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    back();
    accept();
  });
  atOnce.addEventListener("change", () => {
    try {
      localStorage.setItem(AT_ONCE, atOnce.checked ? "yes" : "");
    } catch {
      // it holds for this page
    }
  });

  desk.on(["open"], show);
  return {
    stop,
    play,
    loop() {
      loops = !loops;
      $("heard-loop").setAttribute("aria-pressed", String(loops));
      desk.say(loops ? "Again and again" : "Once");
    },
    speed() {
      speed = (speed + 1) % SPEEDS.length;
      sound.playbackRate = SPEEDS[speed];
      $("heard-speed").textContent = `Speed ${SPEEDS[speed]}×`;
      desk.say(`Speed ${SPEEDS[speed]}`);
    },
    correct() {
      if (!told()?.sentence) return desk.say(told() ? "These words are not there any more" : "There are no words here");
      text.focus();
      text.select();
    },
  };
}

function remembered() {
  try {
    return localStorage.getItem(AT_ONCE) === "yes";
  } catch {
    return false;
  }
}
