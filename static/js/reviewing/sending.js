// What the outbox of the review sends, and what it asks for.
import { post } from "../common/post.js";

const AHEAD = 11;
const KNOWN_MS = 60_000; // labels and what counts as them may change while one reviews

/**
 * @typedef {{id: number, did: "decide"|"skip"|"undo", said?: object}} Entry  of the outbox; `said`: {boxes, unsure, scope, seconds}
 * @param {Record<string, string>} urls  with 0 for the item
 */
export const sender =
  (urls) =>
  ({ id, did, said = {} }) =>
    post(urls[did].replace("/0/", `/${id}/`), said);

/** The next items that are lent to this person, but for those that they have. `projects` learns the projects they belong to. */
export async function askForNext(urls, projects, have) {
  const now = performance.now();
  const knows = [...projects].flatMap(([id, { learned }]) => (now - learned < KNOWN_MS ? [id] : [])).slice(0, 20);
  const found = await post(`${urls.next}${urls.next.includes("?") ? "&" : "?"}n=${AHEAD}`, { have, knows });
  for (const [id, project] of Object.entries(found.projects ?? {})) projects.set(Number(id), { ...project, learned: now });
  return found;
}
