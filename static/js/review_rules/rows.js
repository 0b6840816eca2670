// The rows of a rule: drawn from its reasons, telling of every change.
import { NEEDS_LIMIT, PARTS, fresh, freshLimit } from "./document.js";

const made = (id) => document.getElementById(id).content.firstElementChild.cloneNode(true);

/** Draws `reasons` into `place`; onChange() after each of a person's changes, which they hold. */
export function drawReasons(place, reasons, onChange) {
  const again = (focus) => {
    drawReasons(place, reasons, onChange);
    onChange();
    focus?.();
  };
  place.replaceChildren(...reasons.map((reason, n) => reasonItem(reason, n, reasons, again, onChange)));
}

function reasonItem(reason, n, reasons, again, onChange) {
  const item = made("reason-template");
  const together = item.querySelector("[data-together]");
  const { conditions } = reason;
  together.closest(".together").hidden = conditions.length < 2;
  together.value = reason.operator;
  const another = item.querySelector("[data-add-condition]");
  const nameAnother = () => (another.querySelector("span").textContent = `${reason.operator.toLowerCase()} where …`);
  nameAnother();
  together.addEventListener("change", () => {
    reason.operator = together.value;
    nameAnother();
    onChange();
  });
  item.querySelector(".conditions").append(
    ...conditions.map((condition, at) => {
      const row = conditionItem(condition, again, onChange, (field) => focusOn(n, at, field));
      row.querySelector("[data-remove-condition]").addEventListener("click", () => {
        conditions.splice(at, 1);
        if (!conditions.length) reasons.splice(n, 1);
        again(() => focusOn(n, Math.max(at - 1, 0), "[data-remove-condition]"));
      });
      return row;
    }),
  );
  another.addEventListener("click", () => {
    conditions.push(fresh(conditions.some(({ kind }) => kind === "Sampling") ? "LabelConfidenceCheck" : "Sampling"));
    again(() => focusOn(n, conditions.length - 1, "[data-kind]"));
  });
  return item;
}

/** The field of a condition that was drawn again; the button below where it is gone. */
export function focusOn(n, at, field) {
  const row = document.querySelectorAll(".reason")[n]?.querySelectorAll(".condition")[at];
  (row?.querySelector(field) ?? document.getElementById("add-reason")).focus();
}

function conditionItem(condition, again, onChange, focus) {
  const row = made("condition-template");
  for (const part of row.querySelectorAll("[data-part]")) part.hidden = !PARTS[condition.kind].includes(part.dataset.part);
  const bind = (field, key, of = (input) => input.value) => {
    const input = row.querySelector(field);
    input.value = condition[key] ?? "";
    input.addEventListener("input", () => {
      condition[key] = of(input);
      onChange();
    });
  };
  offer(row.querySelector("[data-label]"), condition.label);
  bind("[data-label]", "label");
  bind("[data-between]", "between");
  bind("[data-source]", "source");
  bind("[data-seen]", "seen");
  bind("[data-percentage]", "percentage", numberOf);
  const kind = row.querySelector("[data-kind]");
  kind.value = condition.kind;
  kind.addEventListener("change", () => {
    Object.assign(condition, fresh(kind.value, condition.label));
    again(() => focus("[data-kind]"));
  });
  const without = () => again(() => focus("[data-add-limit]"));
  row.querySelector(".limits").append(...condition.limits.map((limit, at) => limitItem(limit, at, condition, without, onChange)));
  const add = row.querySelector("[data-add-limit]");
  const next = freshLimit(condition.limits);
  add.disabled = !next;
  add.addEventListener("click", () => {
    condition.limits.push(next);
    again(() => focus(".limit:last-child [data-value]"));
  });
  return row;
}

function limitItem(limit, at, condition, without, onChange) {
  const item = made("limit-template");
  const key = item.querySelector("[data-limit]");
  const value = item.querySelector("[data-value]");
  for (const option of key.options) {
    option.disabled = option.value !== limit.key && condition.limits.some((other) => other.key === option.value);
  }
  key.value = limit.key;
  value.value = limit.value ?? "";
  key.addEventListener("change", () => {
    limit.key = key.value;
    onChange();
  });
  value.addEventListener("input", () => {
    limit.value = numberOf(value);
    onChange();
  });
  const remove = item.querySelector("[data-remove-limit]");
  remove.hidden = NEEDS_LIMIT.includes(condition.kind) && condition.limits.length === 1; // it needs one
  remove.addEventListener("click", () => {
    condition.limits.splice(at, 1);
    without();
  });
  return item;
}

const numberOf = (input) => (input.value === "" ? null : Number(input.value));

/** A name that is none of the project's labels is shown as it is. */
function offer(select, name) {
  if ([...select.options].some((option) => option.value === name)) return;
  select.append(new Option(`${name} (no label of this project)`, name));
}
