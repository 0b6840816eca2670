// What the outbox of an audit sends.
import { post } from "../common/post.js";

/** @param {{id: number, label: number, answer: string, seconds: number}} entry  answer "" takes one back */
export const sender =
  (urls) =>
  ({ id, answer, seconds }) =>
    answer ? post(urls.answer.replace("/0/", `/${id}/`), { answer, seconds }) : post(urls.undo.replace("/0/", `/${id}/`));
