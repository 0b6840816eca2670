// The head of the review: which picture of what, how many are left, what is kept here, and how far
// one got.
import { clock } from "../common/clock.js";

const $ = (id) => document.getElementById(id);
const many = (n) => n.toLocaleString("en");

const MOST_LEFT = 1000; // the server counts no further

/**
 * @param {{desk: object, outbox: import("../common/outbox.js").Outbox, sitting: import("./sitting.js").Sitting,
 *   works: {left: number}, work: () => object|null}} options
 */
export function createHead({ desk, outbox, sitting, works, work }) {
  const link = $("asset");

  function showItem() {
    const now = work();
    link.textContent = now ? now.item.asset.name : "Review";
    link.href = now?.item.asset.url ?? "#content";
    $("project").textContent = now?.project.name ?? "";
    $("at").textContent = now && now.item.asset.kind === "video" ? clock(now.item.time_s, 2) : "";
    for (const chip of [$("project"), $("at")]) chip.hidden = !chip.textContent;
    showCounts();
  }

  function showCounts() {
    const n = works.left;
    $("left").textContent = `${many(n)}${n === MOST_LEFT ? " or more" : ""} left`;
    $("left").hidden = !work() && !n;
    $("pace").textContent = sitting.words;
    $("progress").max = sitting.count + n || 1;
    $("progress").value = sitting.count;
  }

  function showKept() {
    const { state, count: n } = outbox;
    const decisions = n === 1 ? "1 decision" : `${many(n)} decisions`;
    const words = { offline: `No connection: ${decisions} kept here`, "signed-out": `Signed out: ${decisions} kept here` };
    $("kept").hidden = !n || !words[state];
    $("kept").querySelector("[data-words]").textContent = words[state] ?? "";
  }

  desk.on(["open"], showItem);
  outbox.addEventListener("changed", () => {
    showKept();
    showCounts();
  });
  return { showCounts };
}
