// The controls of how numbers become greys: by which limits, on which curve, inverted or not.
import { clamp } from "../common/clock.js";

const STEPS = 1000;
const KEPT = "sightline.sky.stretch";
const AROUND = 3; // widths of the usual limits that the sliders reach beyond them

/** The limits of one exposure under a name; those kept by hand only where it has them. */
export function limitsOf(exposure, name) {
  const { zscale = [0, 1], percentiles = zscale, range = zscale } = exposure.stretch;
  const [low, high] = { zscale, percentiles, range }[name] ?? zscale;
  return { low, high: high > low ? high : low + 1 };
}

/**
 * @param {HTMLElement} form  with fields limits, curve, invert, low, high, low-number, high-number
 * @param {{exposures: object[], views: import("./view.js").SkyView[]}} shown  the sliders are those
 *   of the first; the others are moved by as much of their own limits
 */
export function bindLevels(form, { exposures, views }) {
  const field = (name) => form.elements[name];
  const kept = recall();
  field("limits").value = kept.limits ?? "zscale";
  field("curve").value = kept.curve ?? "linear";
  field("invert").checked = kept.invert ?? false;
  const [lowest, highest] = reach(exposures[0]);
  const toSlider = (value) => Math.round(clamp((value - lowest) / (highest - lowest), 0, 1) * STEPS);
  const fromSlider = (step) => lowest + (Number(step) / STEPS) * (highest - lowest);
  let limits = limitsOf(exposures[0], field("limits").value);

  function show() {
    field("low").value = toSlider(limits.low);
    field("high").value = toSlider(limits.high);
    field("low-number").value = rounded(limits.low);
    field("high-number").value = rounded(limits.high);
    const usual = limitsOf(exposures[0], "zscale");
    const share = (value) => (value - usual.low) / (usual.high - usual.low);
    views.forEach((view, n) => {
      const own = limitsOf(exposures[n], n && field("limits").value !== "hand" ? field("limits").value : "zscale");
      const width = own.high - own.low;
      const moved = { low: own.low + share(limits.low) * width, high: own.low + share(limits.high) * width };
      const byName = field("limits").value === "hand" ? moved : limitsOf(exposures[n], field("limits").value);
      view.setStretch({ ...(n ? byName : limits), curve: field("curve").value, invert: field("invert").checked });
    });
    if (field("limits").value !== "hand") remember({ limits: field("limits").value, curve: field("curve").value, invert: field("invert").checked });
  }
  function byHand(low, high) {
    if (!(Number.isFinite(low) && Number.isFinite(high))) return;
    const least = (highest - lowest) / STEPS;
    limits = { low: Math.min(low, high - least), high: Math.max(high, low + least) };
    field("limits").value = "hand";
    show();
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target.name === "low") byHand(fromSlider(target.value), limits.high);
    else if (target.name === "high") byHand(limits.low, fromSlider(target.value));
  });
  form.addEventListener("change", ({ target }) => {
    if (target.name === "low-number") byHand(target.valueAsNumber, limits.high);
    else if (target.name === "high-number") byHand(limits.low, target.valueAsNumber);
    else if (target.name === "limits" && target.value !== "hand") limits = limitsOf(exposures[0], target.value);
    if (["limits", "curve", "invert"].includes(target.name)) show();
  });
  show();
}

function reach(exposure) {
  const { low, high } = limitsOf(exposure, "zscale");
  const { low: least, high: most } = limitsOf(exposure, "range");
  const width = high - low;
  const from = Math.max(least, low - AROUND * width);
  return [from, Math.max(Math.min(most, high + AROUND * width), from + width)];
}
const rounded = (value) => Number(value.toPrecision(6));

function recall() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}") ?? {};
  } catch {
    return {};
  }
}
function remember(wish) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(wish));
  } catch {
    // private windows keep nothing
  }
}
