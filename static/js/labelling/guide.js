// What counts as the label that is taken up, or drawn next: in words and examples, beside the picture.
const SEEN = "sightline.guidelines.seen"; // label → the guideline that was read last, by number

/** @param {{desk: import("./desk.js").Desk}} options */
export function createGuide({ desk }) {
  const box = document.getElementById("guide");
  const words = document.getElementById("guide-words");
  const pictures = document.getElementById("guide-pictures");
  const changed = document.getElementById("guide-changed");
  const mark = document.getElementById("guide-new");
  let shown = null;

  const current = () => desk.label(desk.selected?.label ?? desk.ui.get().label);

  function show() {
    const label = current();
    const guide = label.guideline;
    box.hidden = !guide;
    if (!guide) return;
    document.getElementById("guide-title").textContent = `What counts as ${label.name}`;
    mark.hidden = !guide.number || seen()[label.id] === guide.number;
    if (box.open) read(label);
    if (shown === `${label.id} ${guide.number}`) return;
    shown = `${label.id} ${guide.number}`;
    words.replaceChildren(...paragraphs(guide.text));
    pictures.replaceChildren(...guide.pictures.map((one) => example(one, label)));
    changed.textContent = guide.changed ? `Changed ${new Date(guide.changed).toLocaleDateString("en-GB", { day: "numeric", month: "long", year: "numeric" })} by ${guide.by}` : "";
  }

  /** It was before the person: it is new no more when they see it again. */
  function read(label) {
    const known = seen();
    if (known[label.id] === label.guideline.number) return;
    localStorage.setItem(SEEN, JSON.stringify({ ...known, [label.id]: label.guideline.number }));
  }

  function toggle() {
    if (box.hidden) return desk.say("There is no guideline for this label");
    box.open = !box.open;
    desk.say(box.open ? `What counts as ${current().name}: ${current().guideline.text}` : "Guideline closed");
    if (box.open) box.scrollIntoView({ block: "nearest" });
  }

  box.addEventListener("toggle", show);
  desk.on(["open", "select", "change"], show);
  desk.ui.on(["label"], () => desk.session && show());
  return { toggle };
}

function paragraphs(text) {
  return text.split(/\n\s*\n/).filter(Boolean).map((part) => Object.assign(document.createElement("p"), { textContent: part }));
}

function example({ url, is_right: isRight }, label) {
  const made = document.createElement("figure");
  const words = isRight ? "Like this" : "Not like this";
  made.className = isRight ? "right" : "wrong";
  made.append(Object.assign(new Image(), { src: url, alt: `${words}: ${label.name}`, loading: "lazy" }));
  made.append(Object.assign(document.createElement("figcaption"), { textContent: words }));
  return made;
}

function seen() {
  try {
    return JSON.parse(localStorage.getItem(SEEN)) ?? {};
  } catch {
    return {};
  }
}
