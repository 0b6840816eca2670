// A rule's document and the rows that a form can show of it: reasons, of which one is enough, each
// one condition or several that go together.
const LIMITS = {
  ConfidenceEquals: "ConfidenceEquals",
  ConfidenceLessThan: "ConfidenceLessThan",
  ConfidenceLessThanEquals: "ConfidenceLessThanEquals",
  ConfidenceLessThanOrEqual: "ConfidenceLessThanEquals",
  ConfidenceGreaterThan: "ConfidenceGreaterThan",
  ConfidenceGreaterThanEquals: "ConfidenceGreaterThanEquals",
  ConfidenceGreaterThanOrEqual: "ConfidenceGreaterThanEquals",
};
const KINDS = { ModerationLabelConfidenceCheck: "LabelConfidenceCheck" };
/** What each kind of condition has. */
export const PARTS = {
  LabelConfidenceCheck: ["label", "limits"],
  WorstFrame: ["label", "limits"],
  FirstAppearance: ["label", "limits"],
  NothingDetected: ["label"],
  Disagreement: ["between", "label"],
  Novelty: ["label"],
  Mention: ["source", "label", "seen", "limits"],
  Word: ["limits"],
  Sampling: ["percentage"],
};
/** Of which a condition needs one limit at least. */
export const NEEDS_LIMIT = ["LabelConfidenceCheck", "Word"];
const SOURCES = ["Both", "Spoken", "Written"];
const BETWEEN = ["LogoAndSpoken", "LogoAndWritten", "TrackerAndDetector", "Analyses"];

/** [{operator, conditions: [condition]}]; null where the rows cannot show it. */
export function rowsOf(document) {
  if (!isObject(document) || !onlyHas(document, ["Conditions"]) || !Array.isArray(document.Conditions)) return null;
  const reasons = [];
  for (const part of document.Conditions.flatMap(oneLevelLess)) {
    const reason = reasonOf(part);
    if (!reason) return null;
    reasons.push(reason);
  }
  return reasons;
}

/** The list is an “or” already: one that stands in it, with groups inside, says nothing more. */
function oneLevelLess(part) {
  const isNested = isObject(part) && onlyHas(part, ["Or"]) && Array.isArray(part.Or) && part.Or.some(isGroup);
  return isNested ? part.Or : [part];
}

const isGroup = (part) => isObject(part) && ("And" in part || "Or" in part);

function reasonOf(part) {
  if (!isGroup(part)) {
    const condition = conditionOf(part);
    return condition && { operator: "And", conditions: [condition] };
  }
  const operator = "And" in part ? "And" : "Or";
  if (!onlyHas(part, [operator]) || !Array.isArray(part[operator])) return null;
  const conditions = part[operator].map(conditionOf);
  return conditions.length > 1 && conditions.every(Boolean) ? { operator, conditions } : null;
}

function conditionOf(part) {
  if (!isObject(part) || !onlyHas(part, ["ConditionType", "ConditionParameters"])) return null;
  const kind = KINDS[part.ConditionType] ?? part.ConditionType;
  const parameters = part.ConditionParameters ?? {};
  if (!Object.hasOwn(PARTS, kind) || !isObject(parameters)) return null;
  const found = { ...fresh(kind), limits: [] };
  for (const [key, value] of Object.entries(parameters)) {
    if (!read(found, key, value)) return null;
  }
  return found;
}

/** Whether it could be read into the row. */
function read(row, key, value) {
  const has = (part) => PARTS[row.kind].includes(part);
  if ((key === "LabelName" || (key === "ModerationLabelName" && row.kind === "LabelConfidenceCheck")) && has("label")) {
    row.label = value;
    return typeof value === "string";
  }
  if (key === "RandomSamplingPercentage" && has("percentage")) {
    row.percentage = value;
    return isNumber(value);
  }
  if (key === "Between" && has("between")) {
    row.between = value;
    return BETWEEN.includes(value);
  }
  if (key === "Source" && has("source")) {
    row.source = value;
    return SOURCES.includes(value);
  }
  if (key === "IsSeen" && has("seen")) {
    row.seen = value ? "yes" : "no";
    return typeof value === "boolean";
  }
  if (Object.hasOwn(LIMITS, key) && has("limits")) {
    row.limits.push({ key: LIMITS[key], value });
    return isNumber(value) && row.limits.filter((limit) => limit.key === LIMITS[key]).length === 1;
  }
  return false;
}

const BEGINS = { LabelConfidenceCheck: 60, WorstFrame: 60, Mention: 70, Word: 30 };

/** A condition as it begins when somebody adds it. */
export function fresh(kind, label = "*") {
  const begins = BEGINS[kind];
  const limits = begins ? [{ key: "ConfidenceLessThan", value: begins }] : [];
  return { kind, label, limits, percentage: 5, between: "LogoAndSpoken", source: "Both", seen: "" };
}

/** A limit that the condition does not have yet; null where it has all. */
export function freshLimit(limits) {
  const keys = [...new Set(Object.values(LIMITS))].sort((a, b) => (a === "ConfidenceEquals") - (b === "ConfidenceEquals"));
  const key = keys.find((one) => !limits.some((limit) => limit.key === one));
  return key ? { key, value: key.includes("Greater") ? 40 : 60 } : null;
}

export function documentOf(reasons) {
  return {
    Conditions: reasons.map(({ operator, conditions }) => {
      const written = conditions.map(write);
      return written.length > 1 ? { [operator]: written } : written[0];
    }),
  };
}

function write({ kind, label, limits, percentage, between, source, seen }) {
  const has = (part) => PARTS[kind].includes(part);
  const parameters = {};
  if (has("between")) parameters.Between = between;
  if (has("label") && (kind === "LabelConfidenceCheck" || label !== "*")) parameters.LabelName = label;
  if (has("source") && source !== "Both") parameters.Source = source;
  if (has("seen") && seen) parameters.IsSeen = seen === "yes";
  if (has("limits")) for (const { key, value } of limits) parameters[key] = value;
  if (has("percentage")) parameters.RandomSamplingPercentage = percentage;
  return { ConditionType: kind, ConditionParameters: parameters };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNumber = (value) => value === null || Number.isFinite(value);
const onlyHas = (object, keys) => Object.keys(object).every((key) => keys.includes(key));
