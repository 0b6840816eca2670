// Candidate after candidate: the next is there before it is asked for, and a verdict is sent while
// one looks at it already.

import { Refusal, SignedOut, post } from "../common/post.js";
import { blinking } from "./blinking.js";
import { wireKeys } from "./pressing.js";

const AGAIN_MS = 3000;
const RENEWED_MS = 120_000; // what is shown stays this person's: a lease is five minutes
const TOO_FAST_MS = 150; // a key that is pressed twice does not decide what nobody saw
const data = JSON.parse(document.getElementById("queue-data").textContent);
const $ = (id) => document.getElementById(id);
const place = $("candidate-queue");
const end = $("all-decided");
const parse = (html) => new DOMParser().parseFromString(html, "text/html").querySelector("[data-candidate]");

const decided = []; // {shown, sent, isSent, isLate}, the last one last
const coming = []; // fetched, and not shown yet
const skipped = [];
const times = [];
let fetching = null;
let now = held(place.querySelector("[data-candidate]"));
let left = Number(now.node.dataset.waiting);
let began = performance.now();
let isTurning = false;

/** A candidate that this page has: its part of the page, and what blinks in it. */
function held(node) {
  node.querySelector("[data-skip]")?.removeAttribute("hidden");
  for (const picture of node.querySelectorAll("img")) new Image().src = picture.src; // read ahead
  return { node, id: Number(node.dataset.candidate), name: node.dataset.called, pictures: blinking(node) };
}

const tell = (text, kind = "info") => dispatchEvent(new CustomEvent("sightline:tell", { detail: { text, kind } }));

// --- what comes next --------------------------------------------------------------------------------

/** Those that nobody else may be given: what is here, and what is decided and not sent yet. */
function have() {
  const unsent = decided.filter(({ isSent }) => !isSent).map(({ shown }) => shown);
  return [now, ...coming, ...skipped, ...unsent].filter(Boolean).map(({ id }) => id);
}

async function fetched() {
  const response = await fetch(have().reduce((text, id) => `${text}&have=${id}`, data.next));
  if (response.status === 204) return;
  const node = response.ok && !response.redirected ? parse(await response.text()) : null;
  if (!node) throw new Error("It could not be fetched.");
  coming.push(held(node));
}

/** See to it that one more is here, or known that there is none. */
function fetchAhead() {
  if (coming.length) return Promise.resolve();
  fetching ??= fetched().finally(() => {
    fetching = null;
  });
  return fetching;
}

/** Show what was fetched; where nothing else waits any more, what was skipped. */
async function goOn() {
  now = null;
  try {
    await fetching; // a question that went out before this verdict may have found none
    await fetchAhead();
  } catch {
    $("queue-live").textContent = "The server cannot be reached. It is tried again.";
    setTimeout(goOn, AGAIN_MS);
    return;
  }
  show(coming.shift() ?? skipped.shift());
}

function show(next) {
  now = next;
  isTurning = false;
  began = performance.now();
  place.hidden = !next;
  end.hidden = Boolean(next);
  document.querySelector("[data-left]").textContent = Math.max(left, 0).toLocaleString("en");
  if (!next) {
    place.replaceChildren();
    const n = decided.length;
    end.querySelector("[data-says]").textContent = n ? `You decided ${n} just now.` : "";
    end.querySelector("[data-undo]").hidden = !n;
    end.querySelector(".empty").focus();
    return;
  }
  const hadFocus = place.contains(document.activeElement);
  place.replaceChildren(next.node);
  if (hadFocus) next.node.querySelector(".verdicts button")?.focus({ preventScroll: true });
  scrollTo(0, 0);
  next.pictures.start();
  $("queue-live").textContent = `${next.name} is shown.`;
  fetchAhead().catch(() => {}); // it is tried again when it is needed
}

// --- verdicts --------------------------------------------------------------------------------------

function unsent() {
  const n = decided.filter(({ isSent }) => !isSent).length;
  $("unsent").hidden = !decided.some(({ isLate }) => isLate) || !n;
  $("unsent").querySelector("[data-words]").textContent = `${n} not sent yet`;
}

async function send(one, verdict) {
  for (;;) {
    try {
      await post(data.decide.replace("/0/", `/${one.shown.id}/`), { verdict, is_first: true });
      one.isSent = true;
      one.isLate = false;
      unsent();
      return true;
    } catch (error) {
      if (error instanceof Refusal || error instanceof SignedOut) {
        decided.splice(decided.indexOf(one), 1);
        if (error instanceof SignedOut) left += 1;
        unsent();
        const why = error instanceof SignedOut ? "You are signed out: sign in in another tab, and reload." : error.message;
        tell(`${one.shown.name} is not decided. ${why}`, "error");
        return false;
      }
      one.isLate = true;
      unsent();
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

function decide(verdict, words) {
  if (!now || isTurning || performance.now() - began < TOO_FAST_MS) return;
  isTurning = true;
  now.pictures.stop();
  times.push((performance.now() - began) / 1000);
  const one = { shown: now, isSent: false, isLate: false, sent: null };
  one.sent = send(one, verdict);
  decided.push(one);
  left -= 1;
  const median = [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)];
  $("pace").textContent = `${median.toFixed(1)} s each`;
  $("queue-live").textContent = `${now.name}: ${words}.`;
  goOn();
}

async function undo(form) {
  if (isTurning) return;
  const one = decided.at(-1);
  if (!one) {
    if (form) takeBackEarlier(form);
    return;
  }
  isTurning = true;
  if (await one.sent) {
    try {
      await post(data.undo.replace("/0/", `/${one.shown.id}/`));
    } catch (error) {
      isTurning = false;
      tell(error.message || "The server cannot be reached. Nothing was taken back.", "error");
      return;
    }
    decided.splice(decided.indexOf(one), 1);
    left += 1;
  }
  if (now) coming.unshift(now);
  now?.pictures.stop();
  show(one.shown);
  tell(`${one.shown.name}: taken back.`);
}

/** What was decided before this page was opened is taken back by the server alone. */
function takeBackEarlier(form) {
  form.action = form.querySelector("[data-undo]").getAttribute("formaction");
  form.submit();
}

function skip() {
  if (!now || isTurning) return;
  isTurning = true;
  now.pictures.stop();
  skipped.push(now);
  goOn();
}

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".verdicts")) return;
  event.preventDefault();
  const button = event.submitter;
  if (button?.matches("[data-undo]")) undo(event.target);
  else if (button) decide(button.value, button.firstChild.textContent.trim().toLowerCase());
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-skip]")) skip();
});
end.querySelector("[data-undo]").addEventListener("click", () => undo(null));

/** Tell which candidates are still here; others may have the rest. */
const hold = (ids) => post(data.hold, { have: ids }).catch(() => {});
addEventListener("pagehide", () => hold([]));
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload(); // others may have what was handed back
});
setInterval(() => hold(have()), RENEWED_MS);

wireKeys(() => now?.pictures ?? { key: () => false }, () => isTurning);
now.pictures.start();
fetchAhead().catch(() => {});
