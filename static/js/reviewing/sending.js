// What the outbox of the review sends, and what it asks for.
import { post } from "../common/post.js";

const AHEAD = 11;

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
  const found = await post(`${urls.next}${urls.next.includes("?") ? "&" : "?"}n=${AHEAD}`, { have });
  for (const [id, project] of Object.entries(found.projects ?? {})) projects.set(Number(id), project);
  return found;
}
