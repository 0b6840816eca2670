// The head of the page and the bar under the picture: where one is, what is left, and what was
// just done elsewhere.
import { clock } from "../common/clock.js";

const SAID_MS = 9000;

/** @param {{desk: import("./desk.js").Desk, view: import("./view.js").View}} options */
export function createHead({ desk, view }) {
  const page = document.getElementById("work");
  const chip = document.getElementById("work-place");
  const slider = document.getElementById("frame-slider");
  const number = document.getElementById("frame-number");
  const left = document.getElementById("work-left");
  const nothing = document.querySelector("[data-do=nothing]");
  const zoom = document.getElementById("zoom-words");

  function showWork() {
    const { session } = desk;
    const { data } = session;
    page.dataset.kind = data.kind;
    page.dataset.task = data.task;
    page.style.setProperty("--tall", data.width ? data.height / data.width : 0.5625);
    document.querySelector("main h1").textContent = data.job.title;
    slider.max = String(session.length - 1);
    number.max = String(session.length);
    slider.parentElement.hidden = !session.isClip;
    document.getElementById("stage").setAttribute("aria-label", session.isClip ? "Frame of the clip with its boxes" : "Picture with its boxes");
    document.querySelector("[data-do=finish] [data-name]").textContent = session.isClip ? "Finish" : data.job.is_one_picture ? "Done" : "Done, next";
    document.body.classList.toggle("looking", session.isReadOnly);
    document.getElementById("work-locked").hidden = !session.isReadOnly;
    document.querySelector("#work-locked p").textContent = data.why_not || "You may look at this work, but not change it.";
    document.getElementById("work-returned").hidden = !data.reason || data.status !== "claimed";
    document.getElementById("returned-reason").textContent = data.reason ?? "";
    for (const [id, to] of [["previous", data.previous], ["next", data.next]]) {
      document.querySelector(`[data-do=${id}]`).disabled = !session.isClip && !to;
    }
    showLeft(data);
    showFrame();
    showNothing();
  }

  function showLeft({ progress, job }) {
    const done = Math.min((progress?.done ?? 0) + desk.advance, progress?.total ?? 0);
    const parts = [progress ? `${done.toLocaleString("en")} of ${progress.total.toLocaleString("en")} done` : ""];
    if (progress?.left_s != null) parts.push(`about ${inWords(progress.left_s)} left at your pace`);
    if (job.deadline) parts.push(`due ${new Date(job.deadline).toLocaleDateString("en-GB", { day: "numeric", month: "long" })}`);
    left.textContent = parts.filter(Boolean).join(" · ");
    const meter = document.getElementById("work-meter");
    meter.max = Math.max(progress?.total ?? 1, 1);
    meter.value = done;
  }

  function showFrame() {
    const { session, frame } = desk;
    const { times, progress } = session.data;
    const count = (n) => n.toLocaleString("en");
    const part = session.isClip ? `Frame ${count(frame + 1)} of ${count(session.length)} · ${clock(times[frame] ?? 0, 2)}` : `Picture ${count(progress?.position ?? 1)} of ${count(progress?.total ?? 1)}`;
    chip.textContent = part;
    slider.value = String(frame);
    slider.setAttribute("aria-valuetext", part);
    if (document.activeElement !== number) number.value = String(frame + 1);
  }

  function showNothing() {
    nothing.setAttribute("aria-pressed", String(desk.session.nothing));
  }

  slider.addEventListener("input", () => desk.go(Number(slider.value)));
  number.addEventListener("change", () => {
    desk.go(Math.round(Number(number.value)) - 1);
    number.value = String(desk.frame + 1);
  });
  view.addEventListener("move", () => (zoom.textContent = `${Math.round(view.zoom * 100)} %`));
  desk.on(["open"], showWork);
  desk.on(["frame"], showFrame);
  desk.on(["change"], showNothing);
}

/** 720 → "12 minutes". */
function inWords(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 2) return "a minute";
  if (minutes < 120) return `${minutes} minutes`;
  return `${Math.round(minutes / 60)} hours`;
}

/** What happened out of sight, with the way there: nobody is moved unasked. */
export function createSaid({ desk }) {
  const bar = document.getElementById("work-said");
  const words = bar.querySelector("[data-words]");
  const button = bar.querySelector("button");
  let timer = 0;
  let target = 0;
  button.addEventListener("click", () => {
    bar.hidden = true;
    desk.go(target);
    document.getElementById("stage").focus({ preventScroll: true });
  });
  desk.on(["open"], () => (bar.hidden = true));
  /** @param {number|null} frame  where it happened */
  return function say(text, frame = null) {
    clearTimeout(timer);
    words.textContent = text;
    const isElsewhere = frame !== null && frame !== desk.frame;
    target = frame ?? 0;
    button.hidden = !isElsewhere;
    button.textContent = isElsewhere ? `Go to frame ${(frame + 1).toLocaleString("en")}` : "";
    bar.hidden = false;
    timer = setTimeout(() => (bar.hidden = true), SAID_MS);
  };
}
