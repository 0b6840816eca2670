// The choices and the figures they lead to. One call to the server redraws everything; no
// analysis is run again.
import { choicesQuery } from "./address.js";
import { wireCorrections } from "./correcting.js";
import { tell } from "./posting.js";

const SLOW_MS = 400; // an answer that takes longer is no longer waited for when the choice moved on

/** @param {{run: object, store: import("./page.js").Store, player: object}} options */
export function createExposure({ run, store, player, ownThresholds }) {
  const form = document.getElementById("choices");
  const panel = document.getElementById("exposure");
  const defaultMethod = form.dataset.defaultMethod;
  let hasProgressed = false;
  const ask = latestOnly(async (signal) => {
    const state = store.get();
    const query = choicesQuery(state, defaultMethod);
    addStretch(query, state);
    if (hasProgressed) query.set("progress", "1"); // the list of segments, and then of shots, too
    const response = await fetch(`${run.urls.view}?${query}`, { signal });
    if (!response.ok) throw new Error(response.statusText);
    show(await response.json());
    hasProgressed = false;
  });
  const refresh = () => {
    hasProgressed = true;
    ask();
  };

  function show({ panel: html, ...figures }) {
    swap(panel, html);
    const patch = { figures, lanes: figures.lanes };
    if (figures.segments) patch.segments = figures.segments;
    if (figures.shots) patch.shots = figures.shots;
    store.set(patch);
  }

  wireForm(form, store, ownThresholds);
  wirePanel(panel, store, player);
  const choose = (corrections) => store.set({ corrections });
  wireCorrections({ panel, url: run.urls.correct, refresh: ask, choose });
  store.on(["threshold", "method", "off", "window", "open", "corrections"], ask);
  sayWhenSettled(store, panel);
  return { refresh, defaultMethod };
}

/** Ask for half a view more on both sides, so that a small pan has its lanes already. */
export function addStretch(query, { shown: [from, to], duration, plotWidth }) {
  const half = (to - from) / 2;
  query.set("from", Math.max(from - half, 0).toFixed(3));
  query.set("to", Math.min(to + half, duration).toFixed(3));
  query.set("bins", String(Math.round(plotWidth || 600)));
}

/** Run `task` now; while it runs remember only that it must run again. */
export function latestOnly(task) {
  let running = null;
  let again = false;
  return function ask() {
    if (running) {
      again = true;
      if (performance.now() - running.since > SLOW_MS) running.controller.abort();
      return;
    }
    requestAnimationFrame(async () => {
      again = false;
      await task(running.controller.signal).catch((error) => {
        if (error.name !== "AbortError") tell("The figures could not be fetched. What is shown may be old.");
      });
      running = null;
      if (again) ask();
    });
    running = { controller: new AbortController(), since: performance.now() };
  };
}

/** Put new markup in place without taking the focus away. */
function swap(panel, html) {
  const id = panel.contains(document.activeElement) ? document.activeElement.id : "";
  panel.innerHTML = html;
  if (id) document.getElementById(id)?.focus({ preventScroll: true });
}

function wireForm(form, store, ownThresholds) {
  const { threshold, method } = form.elements;
  const words = document.getElementById("threshold-words");
  const back = document.getElementById("own");
  const ownWords = document.getElementById("own-words");
  const own = ownThresholds.reduce((a, b) => a + b, 0) / (ownThresholds.length || 1) || 0.5;
  const ownIsOne = ownThresholds.every((threshold) => threshold === own);
  const showChoice = (state) => {
    const isOwn = state.threshold === null;
    threshold.value = String(isOwn ? own : state.threshold);
    threshold.classList.toggle("is-own", isOwn);
    threshold.style.setProperty("--at", (threshold.value - threshold.min) / (threshold.max - threshold.min));
    threshold.setAttribute("aria-valuetext", isOwn ? "each label's own" : state.threshold.toFixed(2));
    words.textContent = isOwn && !ownIsOne ? "own" : Number(threshold.value).toFixed(2);
    back.hidden = isOwn;
    ownWords.hidden = !isOwn;
    method.value = state.method;
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  threshold.addEventListener("input", () => store.set({ threshold: Number(threshold.value) }));
  method.addEventListener("change", () => store.set({ method: method.value }));
  back.addEventListener("click", () => {
    store.set({ threshold: null });
    threshold.focus();
  });
  store.on(["threshold", "method"], showChoice);
  showChoice(store.get());
}

function wirePanel(panel, store, player) {
  panel.addEventListener("change", (event) => {
    const label = Number(event.target.dataset.brand);
    if (!label) return;
    const others = store.get().off.filter((other) => other !== label);
    store.set({ off: event.target.checked ? others : [...others, label] });
  });
  panel.addEventListener("click", (event) => {
    const open = event.target.closest("[data-open]");
    if (open) {
      const label = Number(open.dataset.open);
      store.set({ open: store.get().open === label ? null : label });
    }
    if (event.target.closest("[data-clear-window]")) store.set({ window: null });
  });
  document.addEventListener("click", (event) => {
    const seek = event.target.closest("[data-seek]");
    if (seek) player.seek(Number(seek.dataset.seek));
  });
}

/** For who listens instead of looking: the new seconds, once the choice has settled. */
function sayWhenSettled(store, panel) {
  let timer = 0;
  store.on(["figures"], () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const rows = [...panel.querySelectorAll("table.exposure > tbody > tr:not(.episodes)")].slice(0, 5);
      const said = rows.map((row) => {
        const edges = row.querySelector(".edges");
        const seconds = row.cells[1].querySelector("[data-said]")?.dataset.said ?? row.cells[1].textContent.trim();
        const words = [seconds, ...(edges ? [edges.textContent] : [])];
        return `${row.cells[0].textContent.trim()} ${words.join(", ")}`;
      });
      document.getElementById("asset-live").textContent = said.join(", ");
    }, 900);
  });
}
