// The page of the graph: what is chosen in the drawing, its facts, and the moments of a pair.
import { createDrawing, told } from "./drawing.js";

const page = document.getElementById("graph-page");
if (page) start(JSON.parse(document.getElementById("graph-data").textContent));

function start({ nodes, edges }) {
  const facts = document.getElementById("graph-facts");
  const moments = document.getElementById("graph-moments");
  const drawing = createDrawing({ nodes, edges, onNode: chooseNode, onEdge: chooseEdge });
  let latest = 0;

  function chooseNode(n) {
    drawing.choose({ node: n });
    moments.replaceChildren();
    facts.hidden = false;
    facts.replaceChildren(head(nodes[n]), list(n));
    remember(null);
  }

  /** The moments of a pair, below what was chosen before. */
  async function chooseEdge(n) {
    drawing.choose({ edge: n });
    facts.hidden = true;
    const [a, b] = edges[n].slice(0, 2).map((end) => nodes[end].key);
    const asked = (latest += 1);
    moments.setAttribute("aria-busy", "true");
    const response = await fetch(`${page.dataset.moments}?${query(a, b)}`).catch(() => null);
    if (asked !== latest) return;
    moments.removeAttribute("aria-busy");
    if (!response?.ok) {
      const said = response ? (await response.json().catch(() => ({}))).detail : "";
      moments.textContent = said || "The moments could not be fetched. Try again in a moment.";
      return;
    }
    moments.innerHTML = await response.text();
    moments.querySelector("h2")?.focus();
    remember(query(a, b));
  }

  function head(node) {
    const box = element("div", "facts");
    const title = element("h2", "node-name");
    title.textContent = node.name;
    const what = element("p", "small quiet");
    what.textContent = told(node).slice(node.name.length + 2);
    box.append(title, what);
    if (node.url) {
      const link = element("a", "link small");
      link.href = node.url;
      link.textContent = node.kind === "asset" ? "Open the asset" : "Open the label";
      box.append(link);
    }
    return box;
  }

  function list(n) {
    const items = element("ul");
    for (const [at, [a, b, windows, lift]] of edges.entries()) {
      if (a !== n && b !== n) continue;
      const item = element("li");
      const button = element("button");
      button.type = "button";
      const name = element("span", "node-name");
      name.append(kind(nodes[a === n ? b : a]), nodes[a === n ? b : a].name);
      const much = element("span", "num");
      much.textContent = `${lift.toFixed(1)} ×`;
      const often = element("span", "small quiet");
      often.textContent = `${windows} window${windows === 1 ? "" : "s"}`;
      button.append(name, much, often);
      button.addEventListener("click", () => chooseEdge(at));
      item.append(button);
      items.append(item);
    }
    return items;
  }

  function kind(node) {
    const template = document.querySelector(`.narrowing .kind use[href="#kind-${node.kind}"]`).parentElement;
    const made = template.cloneNode(true);
    if (node.colour) made.style.setProperty("--c", node.colour);
    return made;
  }

  const query = (a, b) => {
    const found = new URLSearchParams(page.dataset.query);
    found.set("a", a);
    found.set("b", b);
    return String(found);
  };
  const remember = (text) => history.replaceState(null, "", `${location.pathname}?${text ?? page.dataset.query}`);

  document.getElementById("pairs").addEventListener("click", (event) => {
    const link = event.target.closest("[data-pair]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    chooseEdge(Number(link.dataset.pair));
    page.scrollIntoView({ block: "start" });
  });
  wireFind(nodes, drawing, chooseNode);
  const linked = new URLSearchParams(location.search);
  const at = edges.findIndex(([a, b]) => {
    const ends = [nodes[a].key, nodes[b].key];
    return ends.includes(linked.get("a")) && ends.includes(linked.get("b"));
  });
  if (at >= 0) drawing.choose({ edge: at });
}

function wireFind(nodes, drawing, choose) {
  const field = document.getElementById("graph-find");
  const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const matching = () => {
    const wanted = plain(field.value.trim());
    return wanted ? nodes.flatMap(({ name }, n) => (plain(name).includes(wanted) ? [n] : [])) : [];
  };
  const exact = (found) => found.find((n) => plain(nodes[n].name) === plain(field.value.trim()));
  field.addEventListener("input", () => {
    const found = matching();
    drawing.find(new Set(found));
    document.getElementById("graph-found").textContent = field.value.trim() ? `${found.length} found` : "";
  });
  field.addEventListener("keydown", (event) => {
    const found = matching();
    if (event.key === "Enter" && found.length) {
      event.preventDefault();
      choose(exact(found) ?? found[0]);
      drawing.focus(exact(found) ?? found[0]);
    } else if (event.key === "Escape") {
      field.value = "";
      field.dispatchEvent(new Event("input"));
    }
  });
}

function element(name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
