// What the person sees of the saving: "Saved", "Saving", "Offline: 3 changes kept", signed out.
const count = (n) => `${n} ${n === 1 ? "change" : "changes"} kept`;

/** @param {{outbox: import("./outbox.js").Outbox, desk: object}} options */
export function showSaving({ outbox, desk }) {
  const chip = document.getElementById("work-saved");
  const door = document.getElementById("work-door");
  const words = chip.querySelector("[data-words]");
  let timer = 0;
  const states = {
    saved: () => ["Saved", "ok"],
    saving: () => ["Saving", "run"],
    offline: (n) => [n ? `Offline: ${count(n)}` : "Offline", "warn"],
    "signed-out": (n) => [n ? `Signed out: ${count(n)}` : "Signed out", "bad"],
    conflict: () => ["Your choice is needed", "warn"],
  };

  function show() {
    const isKnownOffline = !navigator.onLine && outbox.state !== "signed-out";
    const state = isKnownOffline ? "offline" : outbox.state;
    const [said, dot] = states[state](outbox.count);
    chip.dataset.state = state;
    if (words.textContent !== said) words.textContent = said;
    chip.querySelector(".dot").className = `dot ${dot}`;
    door.hidden = state !== "signed-out";
    door.querySelector("[data-kept]").textContent = outbox.count ? `${count(outbox.count)} in this browser.` : "";
  }

  /** "Saving" only where it lasts: a flicker at every stroke says nothing. */
  outbox.addEventListener("state", () => {
    clearTimeout(timer);
    chip.dataset.state = outbox.state;
    if (outbox.state === "saving") timer = setTimeout(show, 250);
    else show();
  });
  for (const event of ["online", "offline"]) addEventListener(event, show);
  // Back from signing in, in the other tab: go on at once.
  for (const event of ["focus", "pageshow"]) {
    addEventListener(event, () => outbox.state === "signed-out" && outbox.hurry());
  }
  door.querySelector("[data-again]").addEventListener("click", () => outbox.hurry());
  addEventListener("beforeunload", (event) => {
    if (outbox.count && !outbox.isLasting) event.preventDefault();
  });
  outbox.addEventListener("refused", ({ detail }) => desk.toast(detail, "error"));
  show();
}
