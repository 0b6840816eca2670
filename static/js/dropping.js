// Files dropped anywhere on a page, folders within folders included.

/** `take` gets [[file, path in what was dropped]]; `overlay` shows while something hangs over the page. */
export function onDrop(overlay, take) {
  let depth = 0;
  const hide = () => {
    depth = 0;
    overlay.hidden = true;
  };
  addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    depth += 1;
    overlay.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (hasFiles(event) && --depth <= 0) hide();
  });
  addEventListener("dragover", (event) => {
    if (hasFiles(event)) event.preventDefault();
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hide();
    if (event.target.closest?.("[data-drop]")) return; // that place takes them itself
    // The entries must be taken now: after the first await the browser has emptied the list.
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const files = [...event.dataTransfer.files].map((file) => [file, file.name]);
    take(entries.length ? (await Promise.all(entries.map(filesOf))).flat() : files);
  });
}

const hasFiles = (event) => [...(event.dataTransfer?.types || [])].includes("Files");

async function filesOf(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [[file, entry.fullPath.replace(/^\//, "") || file.name]];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // a folder is read a hundred entries at a time
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    found.push(...(await Promise.all(entries.map(filesOf))).flat());
  }
}
