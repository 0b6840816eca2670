// The address keeps what the person chose, so that a link, a reload and the back button do too.

const number = (text) => (text && Number.isFinite(Number(text)) ? Number(text) : null);

/** The part of the state that an address carries. */
export function readAddress(duration) {
  const query = new URLSearchParams(location.search);
  const from = number(query.get("in"));
  const to = number(query.get("out"));
  return {
    threshold: number(query.get("threshold")),
    method: query.get("method") || "",
    off: (query.get("off") || "").split(",").filter(Boolean).map(Number),
    window: from !== null && to !== null && from < to ? [from, to] : null,
    open: number(query.get("open")),
    corrections: query.get("corrections") === "off" ? "off" : "",
    settled: Math.min(Math.max(number(query.get("t")) ?? 0, 0), duration || 0),
  };
}

/** The choices as the server reads them. @param {import("./page.js").State} state */
export function choicesQuery(state, defaultMethod) {
  const query = new URLSearchParams();
  if (state.threshold !== null) query.set("threshold", state.threshold.toFixed(2));
  if (state.method && state.method !== defaultMethod) query.set("method", state.method);
  if (state.off.length) query.set("off", state.off.join(","));
  if (state.window) {
    query.set("in", state.window[0].toFixed(3));
    query.set("out", state.window[1].toFixed(3));
  }
  if (state.open !== null) query.set("open", String(state.open));
  if (state.corrections) query.set("corrections", state.corrections);
  return query;
}

/** The address of what is on the page now. */
export function addressOf(state, defaultMethod) {
  const query = choicesQuery(state, defaultMethod);
  const run = new URLSearchParams(location.search).get("run");
  if (run) query.set("run", run);
  if (state.settled > 0.05) query.set("t", state.settled.toFixed(2));
  const text = query.toString().replaceAll("%2C", ",");
  return location.pathname + (text ? `?${text}` : "");
}

/** Keep the address in step. @param {import("./page.js").Store} store */
export function keepAddress(store, defaultMethod) {
  let timer = 0;
  store.on(["threshold", "method", "off", "window", "open", "corrections", "settled"], () => {
    clearTimeout(timer); // browsers refuse more than about 100 changes in half a minute
    timer = setTimeout(() => {
      history.replaceState(history.state, "", addressOf(store.get(), defaultMethod));
    }, 300);
  });
}
