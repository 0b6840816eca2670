// A server that takes labelling as the site's does (webapp/labelling/operations.py), in memory:
// an operation of a name is taken once, and one made on an old revision is a conflict.
import { createServer } from "node:http";

export async function openServer() {
  const shapes = new Map(); // id → {…, rev}
  const taken = new Map(); // name of an operation → {id, rev}
  const state = { version: 0, shapes, taken, requests: 0, trouble: null, refuses: () => null, finished: 0, delay: 0 };

  function take({ operations }) {
    const answer = { revs: {}, conflicts: [], refused: [] };
    for (const { key, change, rev } of operations) {
      const id = change.put ?? change.delete;
      const detail = state.refuses(change);
      if (detail) answer.refused.push({ key, detail });
      else if (taken.has(key)) answer.revs[id] = taken.get(key);
      else if ((shapes.get(id)?.rev ?? 0) !== rev) answer.conflicts.push({ key, theirs: shapes.get(id) ?? null });
      else {
        state.version += 1;
        if (change.put) shapes.set(id, { ...change.shape, rev: rev + 1 });
        else shapes.delete(id);
        taken.set(key, rev + 1);
        answer.revs[id] = rev + 1;
      }
    }
    answer.version = state.version;
    answer.document = { shapes: Object.fromEntries(shapes) };
    return answer;
  }

  const server = createServer(async (request, response) => {
    state.requests += 1;
    let text = "";
    for await (const part of request) text += part;
    const said = (status, body) => {
      response.writeHead(status, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(body));
    };
    if (state.delay) await new Promise((resolve) => setTimeout(resolve, state.delay));
    const { trouble } = state;
    if (trouble === "down") return request.socket.destroy();
    if (trouble === "signed out") return said(401, {});
    if (request.url.endsWith("finish")) {
      state.finished += 1;
      return said(200, { next: null });
    }
    const answer = take(JSON.parse(text));
    if (trouble === "answer lost") {
      state.trouble = null;
      return request.socket.destroy(); // it was taken, and nobody was told
    }
    return said(answer.conflicts.length || answer.refused.length ? 409 : 200, answer);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.origin = `http://127.0.0.1:${server.address().port}`;
  state.close = () => new Promise((resolve) => server.close(resolve));
  return state;
}
