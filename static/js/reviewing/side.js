// Beside the picture: why the item is here, what is found in it, what others said, and what the
// labels look like.
import { clock } from "../common/clock.js";
import { boxesOf, fateOf, inOrder, isWeak, offered } from "./decision.js";
import { answerInWords, answerOf } from "./hearing.js";

const MOST_LABELS = 3; // whose logos are shown
const CLOSED = "sightline.reviewing.guidelines-closed";
const $ = (id) => document.getElementById(id);

/**
 * @param {{desk: import("../labelling/desk.js").Desk, acts: object, work: () => object|null}} options
 */
export function createSide({ desk, acts, work }) {
  const [list, none, boxRow] = [$("review-boxes"), $("review-none"), $("box-row")];
  let queued = 0;
  const later = () => {
    queued ||= requestAnimationFrame(() => {
      queued = 0;
      showBoxes();
      showOffer();
      showScope();
      showOthers();
      showLogos();
    });
  };

  // --- why it is here, and what rides on it ------------------------------------------------------

  function showWhy() {
    const because = work()?.item.because ?? [];
    $("because").replaceChildren(
      ...because.map(({ words, rule }) => {
        const row = document.createElement("li");
        const by = document.createElement("span");
        by.className = "faint";
        by.textContent = ` · ${rule}`;
        row.append(words, rule ? by : "");
        return row;
      }),
    );
    $("why").hidden = !because.length;
  }

  function showScope() {
    const now = work();
    $("scope").hidden = !now?.hasTracks;
    $("decides").hidden = !now?.item.decides_s || now.scope !== "track";
    if (!now) return;
    for (const button of $("scope").querySelectorAll("[data-scope]")) {
      button.setAttribute("aria-pressed", String(button.dataset.scope === now.scope));
    }
    $("decides").textContent = `Decides ${now.item.decides_s?.toFixed(1)} s`;
  }

  // --- the boxes -----------------------------------------------------------------------------------

  function showBoxes() {
    const now = work();
    if (!now) return list.replaceChildren();
    const focused = document.activeElement?.closest?.("#review-boxes button")?.dataset.row;
    const shapes = new Map([...now.session.shapes].map(([id, shape]) => [shape.prediction ?? id, { id, ...shape }]));
    const predicted = inOrder(now.item.boxes);
    const rows = predicted.map((one) => predictedRow(one, shapes.get(one.id)));
    for (const shape of shapes.values()) if (!shape.prediction) rows.push(makeRow(shape.id, shape, shape.label, "added"));
    list.replaceChildren(...rows);
    none.hidden = rows.length > 0;
    $("weak").hidden = !predicted.some((one) => shapes.has(one.id) && isWeak(one, shapes.get(one.id)));
    if (focused) list.querySelector(`[data-row="${CSS.escape(focused)}"]`)?.focus();
  }

  function predictedRow(prediction, shape) {
    const { confidence, track, label } = prediction;
    const fate = fateOf(prediction, shape && { ...shape, prediction: prediction.id });
    const length = track ? `${(track.seconds ?? track.end_s - track.start_s).toFixed(1)} s` : "";
    const became = { accepted: "", moved: "moved", rejected: "rejected", relabelled: `was ${desk.label(label).name}` }[fate];
    const before = prediction.is_judged ? "said before" : "";
    const made = makeRow(prediction.id, shape, shape?.label ?? label, [became || before, confidence.toFixed(2), length].filter(Boolean).join(" · "));
    const why = made.querySelector("[data-why]");
    why.hidden = !prediction.why;
    why.href = prediction.why ?? "";
    why.setAttribute("aria-label", `Why is this ${desk.label(label).name}? Opens beside this page.`);
    made.classList.toggle("is-rejected", fate === "rejected");
    made.classList.toggle("is-matched", prediction.is_matched);
    if (track) made.querySelector("small").title = `Track from ${clock(track.start_s)} to ${clock(track.end_s)}, in ${track.n_frames} frames`;
    return made;
  }

  function makeRow(row, shape, label, said) {
    const made = boxRow.content.firstElementChild.cloneNode(true);
    const button = made.querySelector("button");
    const { name, colour } = desk.label(label);
    button.dataset.row = row;
    button.dataset.shape = shape?.id ?? "";
    button.setAttribute("aria-pressed", String(Boolean(shape) && shape.id === desk.session.selected));
    made.querySelector(".sw").style.setProperty("--c", colour);
    made.querySelector("[data-name]").textContent = name;
    made.querySelector("small").textContent = said;
    return made;
  }

  list.addEventListener("click", ({ target }) => {
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.shape) desk.session.select(button.dataset.shape);
    else acts.bringBack(button.dataset.row);
  });
  list.addEventListener("pointerover", ({ target }) => desk.ui.set({ hover: target.closest("button")?.dataset.shape || null }));
  list.addEventListener("pointerleave", () => desk.ui.set({ hover: null }));

  /** The button of Enter says what it will do. */
  function showOffer() {
    const now = work();
    const heard = now?.item.told && answerInWords(now, answerOf(now), (id) => desk.label(id).name);
    const words = heard || (now ? offered(now.item, boxesOf(now.session)) : "Accept");
    document.querySelector("[data-do=accept] [data-words]").textContent = words;
  }

  // --- what others said ----------------------------------------------------------------------------

  function showOthers() {
    const now = work();
    const others = now?.item.others ?? [];
    $("others").hidden = !others.length;
    $("others-who").replaceChildren(
      ...others.map(({ name, boxes, unsure, answer }, i) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "btn s";
        button.dataset.other = String(i);
        button.setAttribute("aria-pressed", String(now.other === i));
        button.textContent = `${name}: ${unsure ? "cannot tell" : answer || (boxes.length === 1 ? "1 box" : `${boxes.length} boxes`)}`;
        return button;
      }),
    );
  }
  $("others-who").addEventListener("click", ({ target }) => {
    const button = target.closest("[data-other]");
    if (button) acts.others(Number(button.dataset.other));
  });

  // --- what it looks like --------------------------------------------------------------------------

  /** Labels it is about: of the matched boxes, else of all, else what should be here, else what is drawn next. */
  function inQuestion() {
    const now = work();
    if (!now) return [];
    const of = (boxes) => boxes.map(({ label }) => label);
    const matched = of(now.item.boxes.filter((one) => one.is_matched));
    const some = matched.length ? [...matched, ...of(boxesOf(now.session))] : of(now.item.boxes);
    const one = now.item.label ?? desk.selected?.label ?? desk.ui.get().label;
    return [...new Set(some.length ? some : [one])].filter((id) => id !== null).slice(0, MOST_LABELS);
  }

  let shownLogos = "";
  function showLogos() {
    const labels = inQuestion();
    const key = `${work()?.item.project}:${labels}`;
    if (key === shownLogos) return;
    shownLogos = key;
    const figures = labels.map((id) => desk.label(id)).filter(({ pictures, guideline }) => pictures?.length || guideline);
    $("logos").replaceChildren(...figures.map(logosOf));
    $("looks").hidden = !figures.length;
  }

  function logosOf({ name, pictures = [], guideline = "" }) {
    const made = $("logo-row").content.firstElementChild.cloneNode(true);
    made.querySelector("[data-name]").textContent = name;
    made.querySelector("[data-guideline]").textContent = guideline;
    made.querySelector("[data-guide]").hidden = !guideline;
    made.querySelector("[data-guide]").open = !localStorage.getItem(CLOSED);
    made.querySelector(".review-logos").replaceChildren(
      ...pictures.map(({ url, name: alt }) => {
        const row = document.createElement("li");
        row.className = "checker";
        row.append(Object.assign(new Image(), { src: url, alt }));
        return row;
      }),
    );
    return made;
  }

  /** What counts as the labels, shown or hidden from here on. */
  function guide() {
    const shown = [...$("logos").querySelectorAll("[data-guide]:not([hidden])")];
    if (!shown.length) return desk.say("There is no guideline for this label");
    const isOpen = !shown[0].open;
    for (const one of shown) one.open = isOpen;
    if (isOpen) localStorage.removeItem(CLOSED);
    else localStorage.setItem(CLOSED, "1");
    desk.say(isOpen ? shown.map((one) => one.querySelector("[data-guideline]").textContent).join(". ") : "Guideline closed");
    if (isOpen) shown[0].scrollIntoView({ block: "nearest" });
  }

  desk.on(["open"], showWhy);
  desk.on(["open", "change", "select", "others", "scope", "heard"], later);
  desk.ui.on(["label"], later);
  return { guide };
}
