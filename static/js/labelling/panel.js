// Beside the picture: the labels, what is in this frame, and the taken-up shape in numbers, so that
// everything drawn can be read and changed without the picture.
import { fromCorners } from "./geometry.js";
import { isTrack, shownAt, stateAt } from "./tracks.js";

const MANY = 9;

/** @param {{desk: import("./desk.js").Desk, shapes: object, acts: object}} options */
export function createPanel({ desk, shapes, acts }) {
  createLabels({ desk, acts });
  createList({ desk });
  createNumbers({ desk, shapes });
}

// --- labels ----------------------------------------------------------------------------------

/** @param {{desk: import("./desk.js").Desk, acts: {label: (id: number) => void}}} options */
export function createLabels({ desk, acts }) {
  const list = document.getElementById("work-labels");
  const row = document.getElementById("label-row");
  const filter = document.getElementById("label-filter");
  let rows = [];

  function build() {
    rows = desk.labels.map((label, i) => {
      const made = row.content.firstElementChild.cloneNode(true);
      const button = made.querySelector("button");
      button.dataset.label = String(label.id);
      button.disabled = desk.session.isReadOnly;
      made.querySelector(".sw").style.setProperty("--c", label.colour);
      made.querySelector("[data-name]").textContent = label.name;
      made.querySelector("kbd").textContent = i < MANY ? String(i + 1) : "";
      made.querySelector("kbd").hidden = i >= MANY;
      return { made, button, label, words: label.name.toLowerCase() };
    });
    list.replaceChildren(...rows.map(({ made }) => made));
    filter.parentElement.hidden = rows.length <= MANY;
    filter.value = "";
    document.getElementById("labels-none").hidden = rows.length > 0;
    mark();
  }

  function mark() {
    const { session } = desk;
    const current = session.isConcept ? null : (desk.selected?.label ?? (session.isReadOnly ? null : desk.ui.get().label));
    const here = new Set([...session.shapes.values()].map((shape) => shape.label));
    for (const { button, label } of rows) {
      const isOn = session.isConcept ? here.has(label.id) : label.id === current;
      button.setAttribute("aria-pressed", String(isOn));
    }
  }

  const matches = () => rows.filter(({ words }) => words.includes(filter.value.trim().toLowerCase()));
  filter.addEventListener("input", () => {
    const found = new Set(matches());
    for (const one of rows) one.made.hidden = !found.has(one);
  });
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      const [first] = matches();
      if (first) acts.label(first.label.id);
    }
    if (event.key !== "Enter" && event.key !== "Escape") return;
    filter.value = "";
    for (const { made } of rows) made.hidden = false;
    document.getElementById("stage").focus();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-label]");
    if (button) acts.label(Number(button.dataset.label));
  });
  desk.on(["open"], build);
  desk.on(["select", "change"], mark);
  desk.ui.on(["label"], mark);
}

// --- what is in this frame ---------------------------------------------------------------------

function createList({ desk }) {
  const list = document.getElementById("work-objects");
  const row = document.getElementById("object-row");
  const none = document.getElementById("objects-none");
  const title = document.getElementById("objects-title");
  let queued = 0;

  const show = () => {
    queued ||= requestAnimationFrame(() => {
      queued = 0;
      fill();
    });
  };

  function fill() {
    const { session } = desk;
    document.getElementById("objects").hidden = session.isConcept;
    if (session.isConcept) return;
    title.textContent = session.isClip ? "In this frame" : "In this picture";
    const focused = document.activeElement?.closest?.("#work-objects button")?.dataset;
    const wanted = [...desk.shown().map(shapeRow), ...outsideRow(), ...desk.proposals.map(proposalRow)];
    list.replaceChildren(...wanted);
    none.hidden = wanted.length > 0;
    none.textContent = session.nothing ? "Marked: nothing here." : "Nothing is marked yet.";
    if (focused?.id) list.querySelector(`[data-id="${CSS.escape(focused.id)}"]`)?.focus();
    else if (focused?.proposal) list.querySelector(`[data-proposal="${CSS.escape(focused.proposal)}"]`)?.focus();
  }

  function makeRow({ name, colour, said, isOn, faint }) {
    const made = row.content.firstElementChild.cloneNode(true);
    const button = made.querySelector("button");
    made.querySelector(".sw").style.setProperty("--c", colour);
    made.querySelector(".sw").classList.toggle("faint", Boolean(faint));
    made.querySelector("[data-name]").textContent = name;
    made.querySelector("small").textContent = said;
    button.setAttribute("aria-pressed", String(Boolean(isOn)));
    return { made, button };
  }

  function shapeRow({ id, shape, label, occluded }) {
    const said = [
      isTrack(shape) ? `track ${desk.session.numbers.get(id)}` : "",
      isTrack(shape) ? desk.standing(shape) : "",
      occluded ? "occluded" : "",
      desk.session.conflicts.has(id) ? "changed elsewhere too" : "",
    ];
    const { made, button } = makeRow({
      name: label.name, colour: label.colour, said: said.filter(Boolean).join(", "), isOn: id === desk.session.selected,
    });
    button.dataset.id = id;
    return made;
  }

  /** A taken-up track that is not in this frame can still be brought back. */
  function outsideRow() {
    const { selected } = desk.session;
    const shape = desk.selected;
    if (!shape || !isTrack(shape) || shownAt(shape, desk.frame)) return [];
    return [shapeRow({ id: selected, shape, label: desk.label(shape.label), occluded: false })];
  }

  function proposalRow({ id, label, confidence }) {
    const { name, colour } = desk.label(label);
    const { made, button } = makeRow({ name, colour, said: `predicted ${confidence.toFixed(2)}`, isOn: desk.ui.get().proposal === id, faint: true });
    button.dataset.proposal = String(id);
    return made;
  }

  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { id, proposal } = button.dataset;
    const found = desk.proposals.find((one) => String(one.id) === proposal);
    desk.ui.set({ proposal: found?.id ?? null });
    desk.session.select(id ?? null);
  });
  list.addEventListener("pointerover", (event) => {
    desk.ui.set({ hover: event.target.closest("button")?.dataset.id ?? null });
  });
  list.addEventListener("pointerleave", () => desk.ui.set({ hover: null }));
  desk.on(["open", "frame", "change", "select"], show);
  desk.ui.on(["proposal"], show);
}

// --- the taken-up shape in numbers -------------------------------------------------------------

function createNumbers({ desk, shapes }) {
  const form = document.getElementById("work-numbers");
  const { x, y, w, h, label, occluded, outside } = form.elements;
  const unit = () => [desk.session.data.width || 1, desk.session.data.height || 1];

  function show() {
    const { session, selected: shape } = desk;
    form.hidden = !shape || session.isConcept;
    if (form.hidden) return;
    const state = stateAt(shape, desk.frame);
    const { draft } = desk.ui.get();
    const box = draft?.id === session.selected ? draft.box : state?.box;
    const isOut = !state || state.outside;
    const [width, height] = unit();
    if (box) {
      const values = [box[0] * width, box[1] * height, (box[2] - box[0]) * width, (box[3] - box[1]) * height];
      [x, y, w, h].forEach((input, i) => {
        if (document.activeElement !== input) input.value = String(Math.round(values[i]));
        input.disabled = isOut;
      });
    }
    if (label.options.length !== desk.labels.length || label.dataset.work !== String(session.data.id)) fillLabels();
    label.value = String(shape.label);
    occluded.checked = Boolean(state?.occluded);
    outside.checked = isOut;
    outside.closest("label").hidden = !isTrack(shape);
    document.getElementById("numbers-title").textContent = desk.name(session.selected);
    if (session.isReadOnly) for (const input of form.elements) input.disabled = true;
    else label.disabled = occluded.disabled = outside.disabled = false;
  }

  function fillLabels() {
    label.replaceChildren(...desk.labels.map(({ id, name }) => new Option(name, String(id))));
    label.dataset.work = String(desk.session.data.id);
  }

  form.addEventListener("change", (event) => {
    if (!desk.selected) return;
    if (event.target === label) return shapes.relabel(Number(label.value));
    if (event.target === occluded) return shapes.occluded();
    if (event.target === outside) {
      shapes.outside();
      return show();
    }
    const [width, height] = unit();
    const [left, top, wide, high] = [x, y, w, h].map((input) => Math.max(Number(input.value) || 0, 0));
    const box = fromCorners([left / width, top / height], [(left + Math.max(wide, 1)) / width, (top + Math.max(high, 1)) / height]);
    if (box[2] - box[0] >= 1e-4 && box[3] - box[1] >= 1e-4) {
      desk.setBox(desk.session.selected, box, event.target === w || event.target === h ? "resized" : "moved");
    }
    show();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  desk.on(["open", "frame", "change", "select"], show);
  desk.ui.on(["draft"], show);
}
