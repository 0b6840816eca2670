// The outline beside the player: topics that can be ticked, played, corrected and flagged. The server
// draws it; what is changed comes back drawn anew.
import { post, tellUndo } from "./posting.js";

/** @param {{player: object, store: import("./page.js").Store}} options */
export function wireOutline({ player, store }) {
  const box = document.getElementById("outline");
  if (!box) return null;
  const pane = box.parentElement; // with the moments of the analysis below
  const ticked = createTicks(box.dataset.asset);

  function read() {
    const data = JSON.parse(document.getElementById("outline-data")?.textContent ?? "null");
    store.set({ outline: data });
    for (const tick of box.querySelectorAll(".tick")) tick.checked = ticked.has(titleOf(tick));
    follow(store.get());
    showChapters(player, data?.chapters);
  }

  function draw(html) {
    box.innerHTML = html;
    window.htmx?.process(box);
    read();
  }

  function follow({ time }) {
    for (const moment of box.querySelectorAll("li .moment[data-kind=topic]")) {
      moment.classList.toggle("here", Number(moment.dataset.start) <= time && time < Number(moment.dataset.end));
    }
  }

  async function send(url, values) {
    const answer = await post(url, values);
    if (answer.html) draw(answer.html);
    return answer;
  }

  function open(moment, name) {
    pane.querySelector(".moment-form")?.remove();
    const form = document.getElementById(name).content.firstElementChild.cloneNode(true);
    const { start, end, title, kind } = moment.dataset;
    for (const [field, value] of Object.entries({ title, start_s: start, end_s: end })) {
      const input = form.elements[field];
      if (input) input.value = field === "title" ? value : String(Number(value));
    }
    const before = new FormData(form);
    const close = () => {
      form.remove();
      moment.querySelector(name === "moment-form" ? "[data-edit]" : "[data-flag]").focus();
    };
    const refused = (sentence) => {
      const said = form.querySelector(".error");
      said.textContent = sentence;
      said.hidden = false;
    };
    async function correct(values) {
      const answer = await send(`/moments/${moment.dataset.moment}/edit`, values);
      if (answer.detail) return refused(answer.detail);
      box.querySelector(`[data-moment="${moment.dataset.moment}"] .go`)?.focus();
      return tellUndo("Corrected.", () => send(`/moment-edits/${answer.id}/undo`, {}));
    }
    async function flag(values) {
      const about = { kind, start_s: start, end_s: end, text: title };
      for (const of of ["moment", "label"]) if (moment.dataset[of]) about[of] = moment.dataset[of];
      const answer = await send(box.dataset.flags, { ...about, ...values });
      if (answer.detail) return refused(answer.detail);
      close();
      return tellUndo("Flagged.", () => send(`/flags/${answer.id}/undo`, {}));
    }
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const values = Object.fromEntries(new FormData(form));
      if (name === "flag-form") return flag(values);
      const changed = Object.entries(values).filter(([key, value]) => value !== before.get(key));
      return changed.length ? correct(Object.fromEntries(changed)) : close();
    });
    form.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Escape") close();
    });
    form.addEventListener("click", (event) => {
      const here = event.target.closest("[data-here]");
      if (here) form.elements[here.dataset.here].value = store.get().time.toFixed(2);
      if (event.target.closest("[data-cancel]")) close();
      if (event.target.closest("[data-gone]")) correct({ gone: "on" });
    });
    moment.append(form);
    form.querySelector("input, select").focus();
  }

  pane.addEventListener("click", (event) => {
    const moment = event.target.closest(".moment");
    const go = event.target.closest("[data-time]");
    if (go) player.seek(Number(go.dataset.time));
    if (event.target.closest("[data-edit]")) open(moment, "moment-form");
    if (event.target.closest("[data-flag]")) open(moment, "flag-form");
    const undo = event.target.closest("[data-undo]");
    if (undo) send(`/moment-edits/${undo.dataset.undo}/undo`, {});
  });
  box.addEventListener("change", (event) => {
    if (event.target.matches(".tick")) ticked.put(titleOf(event.target), event.target.checked);
  });
  document.body.addEventListener("htmx:afterSwap", (event) => event.target === box && read());
  document.body.addEventListener("speech-over", () => window.htmx?.ajax("GET", box.dataset.panel, { target: "#outline", swap: "innerHTML" }));
  store.on(["time"], follow);
  read();
  return { ticked };
}

const titleOf = (tick) => tick.closest(".moment").dataset.start;

/** Which topics somebody is interested in, kept in this browser: by when they start. */
function createTicks(asset) {
  const key = `sightline.topics.${asset}`;
  const kept = new Set(JSON.parse(localStorage.getItem(key) ?? "[]"));
  return {
    has: (start) => kept.has(start),
    put(start, on) {
      if (on) kept.add(start);
      else kept.delete(start);
      localStorage.setItem(key, JSON.stringify([...kept]));
    },
    starts: () => [...kept].map(Number),
  };
}

/** Chapters for the player, which browsers and extensions read. */
function showChapters({ media }, url) {
  if (!(media instanceof HTMLVideoElement)) return;
  media.querySelector("track[kind=chapters]")?.remove();
  if (!url) return;
  const track = document.createElement("track");
  track.kind = "chapters";
  track.label = "Chapters";
  track.src = `${url}?v=${Date.now()}`;
  media.append(track);
  track.track.mode = "hidden";
}
