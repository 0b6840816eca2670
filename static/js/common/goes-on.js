// Tables wider than their place: they fade where they go on, say so, and are reached by Tab.
const WIDE = ".scroll, .as-table, .tall, .prose pre, .prose table";
const seen = new WeakSet();

function show(box) {
  const more = [];
  if (box.scrollLeft > 1) more.push("left");
  if (box.scrollLeft + box.clientWidth < box.scrollWidth - 1) more.push("right");
  const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
  if (more.length) box.dataset.goesOn = more.join(" ");
  else delete box.dataset.goesOn;
  if (scrolls) {
    box.tabIndex = 0;
    if (!box.hasAttribute("role") && box.tagName !== "TABLE") {
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", nameOf(box));
    }
  } else if (box.dataset.reached) {
    box.removeAttribute("tabindex");
  }
  box.dataset.reached = "yes";
  hint(box, box.scrollWidth > box.clientWidth + 1);
}

function nameOf(box) {
  const caption = box.querySelector("caption");
  const heading = box.closest("section, article, .panel")?.querySelector("h2, h3");
  return (caption || heading)?.textContent.trim() || "Table";
}

function hint(box, isWide) {
  if (!box.matches(".scroll")) return;
  const next = box.nextElementSibling;
  if (next?.matches(".goes-on")) next.hidden = !isWide;
  else if (isWide) {
    const words = document.createElement("p");
    words.className = "goes-on";
    words.setAttribute("aria-hidden", "true");
    words.textContent = "The table goes on sideways";
    box.after(words);
  }
}

const sizes = new ResizeObserver((changes) => {
  for (const box of new Set(changes.map(({ target }) => target.closest(WIDE)))) if (box) show(box);
});

function watch() {
  for (const box of document.querySelectorAll(WIDE)) {
    if (!seen.has(box)) box.addEventListener("scroll", () => show(box), { passive: true });
    seen.add(box);
    for (const part of [box, ...box.children]) sizes.observe(part);
  }
}

let soon = 0;
watch();
new MutationObserver(() => {
  clearTimeout(soon);
  soon = setTimeout(watch, 100);
}).observe(document.body, { childList: true, subtree: true });
