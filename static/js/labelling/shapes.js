// Comparing and merging shapes, and giving them names.

/** A name of the browser's own for a shape. The first part is the time, so that names sort by age. */
export function newId() {
  const time = Date.now().toString(36).padStart(8, "0").slice(-8);
  return `s-${time}${letters(8)}`;
}

/** A name for one operation. (crypto.randomUUID is missing where a site has no https.) */
export const newKey = () => letters(24);

function letters(count) {
  const bytes = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(bytes, (byte) => (byte % 36).toString(36)).join("");
}

export function withoutRev(shape) {
  if (!shape) return null;
  const { rev: _, ...rest } = shape;
  return rest;
}

/** Do two shapes say the same? Their revisions, and the order of fields, do not count. */
export function same(a, b) {
  if (!a || !b) return !a && !b;
  return equal(withoutRev(a), withoutRev(b));
}

function equal(a, b) {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && equal(a[key], b[key]));
}

/**
 * What two people made of one shape, both starting at `base`, as one: or null where they changed
 * the same thing in different ways, or one of them deleted it.
 */
export function mergedShape(base, mine, theirs) {
  if (same(mine, theirs) || same(mine, base)) return theirs;
  if (same(theirs, base)) return mine;
  if (!base || !mine || !theirs) return null;
  return mergedFields(withoutRev(base), withoutRev(mine), withoutRev(theirs));
}

function mergedFields(base, mine, theirs) {
  const result = {};
  for (const field of new Set([...Object.keys(mine), ...Object.keys(theirs)])) {
    const [was, is, other] = [base[field], mine[field], theirs[field]];
    if (equal(is, other) || equal(is, was)) result[field] = other;
    else if (equal(other, was)) result[field] = is;
    else if (field === "keys") {
      result.keys = mergedFields(was, is, other);
      if (!result.keys || !Object.keys(result.keys).length) return null;
    } else return null;
    if (result[field] === undefined) delete result[field];
  }
  return result;
}
