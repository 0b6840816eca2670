// Time at work: what passes while the page is in front and something was done lately. It goes to
// the server with the changes, and by itself where there are none.
import { ask } from "./server.js";

const TICK_MS = 1000;
const PAUSE_MS = 30_000; // without a sign of the person this is a pause, and not counted
const REPORT_S = 60;

/** @param {{desk: import("./desk.js").Desk}} options */
export function countTime({ desk }) {
  let active = performance.now();
  let last = performance.now();
  const wake = () => (active = performance.now());
  for (const event of ["pointermove", "pointerdown", "keydown", "wheel"]) {
    addEventListener(event, wake, { passive: true, capture: true });
  }

  setInterval(() => {
    const now = performance.now();
    const passed = Math.min(now - last, 2 * TICK_MS);
    last = now;
    const { session } = desk;
    if (!session || session.isReadOnly || document.hidden || now - active > PAUSE_MS) return;
    session.seconds += passed / 1000;
    if (session.seconds >= REPORT_S) report(session);
  }, TICK_MS);

  function report(session, keepalive = false) {
    const seconds = session.takeSeconds();
    if (seconds < 1) return;
    const sent = ask(session.data.urls.seconds, { method: "POST", body: { seconds }, keepalive });
    sent.catch(() => (session.seconds += seconds));
  }
  addEventListener("pagehide", () => desk.session && !desk.session.isReadOnly && report(desk.session, true));
}
