// Comments beside the player: they follow it, lead to their moment, and are answered, resolved and
// reacted to. The server draws them; what is changed comes back drawn anew.
import { keyOf } from "../keys.js";
import { createCommentForm } from "./comment-form.js";
import { wireMentions } from "./mention-list.js";
import { post, tell, tellUndo } from "./posting.js";

const SHOWN = "sightline.comments";
const ASK_MS = 20_000;
const LASTS_S = 5; // how long a comment on one moment counts as being here

/** @param {{player: object, store: import("./page.js").Store, openTab: (id: string) => void}} options */
export function wireComments({ player, store, openTab }) {
  const box = document.getElementById("comments");
  if (!box) return;
  const pane = document.getElementById("pane-comments");
  let data = null;
  let follows = true;
  const form = createCommentForm({ player, store, people: () => data.people, send: (values) => send(data.add, values) });
  const marks = () => data?.marks ?? [];
  const mark = (id) => marks().find((one) => one.id === id);
  const row = (id) => document.getElementById(`comment-${id}`);

  function read() {
    data = JSON.parse(document.getElementById("comments-data").textContent);
    store.set({ comments: data.marks });
    form.wire();
    const show = document.getElementById("comment-show");
    if (show) {
      show.value = localStorage.getItem(SHOWN) ?? "open";
      show.addEventListener("change", () => {
        localStorage.setItem(SHOWN, show.value);
        filter();
      });
      document.getElementById("comment-follow").addEventListener("click", () => setFollow(true));
      for (const event of ["wheel", "touchmove"]) {
        document.getElementById("threads").addEventListener(event, () => setFollow(false), { passive: true });
      }
    }
    filter();
    drawMarks();
    follow(store.get());
  }

  function draw(html) {
    const { draft } = form;
    const at = document.getElementById("threads")?.scrollTop ?? 0;
    box.innerHTML = html;
    window.htmx?.process(box);
    read();
    form.draft = draft;
    const list = document.getElementById("threads");
    if (list) list.scrollTop = at;
  }

  async function send(url, values) {
    const answer = await post(url, values);
    if (!answer.html) return answer;
    if (url === data.add) form.draft = "";
    draw(answer.html);
    if (url === data.add) {
      reveal(answer.id, { evenHidden: true });
      document.getElementById("asset-live").textContent = "Comment sent";
    }
    return answer;
  }

  async function act(id, verb) {
    const answer = await send(`/comments/${id}/do/${verb}`, {});
    if (answer.detail) return tell(answer.detail);
    const back = { delete: ["Deleted.", "restore"], resolve: ["Resolved.", "reopen"], reopen: ["Open again.", "resolve"] }[verb];
    return back && tellUndo(back[0], () => act(id, back[1]));
  }

  function filter() {
    const show = document.getElementById("comment-show");
    if (!show) return;
    const rows = [...box.querySelectorAll(".thread")];
    let n = 0;
    for (const thread of rows) {
      const isOpen = thread.dataset.open === "yes";
      const fits = { open: isOpen, resolved: !isOpen, mine: thread.dataset.mine === "yes", "": true }[show.value] ?? true;
      thread.hidden = !fits;
      n += fits;
    }
    document.getElementById("comment-count").textContent = n === rows.length ? `${n}` : `${n} of ${rows.length}`;
    document.getElementById("comments-none").hidden = n > 0;
    const open = rows.filter((thread) => thread.dataset.open === "yes").length;
    const badge = document.getElementById("comments-open");
    badge.textContent = String(open);
    badge.hidden = !open;
  }

  /** The threads that are about what is on screen now. */
  function follow({ time }) {
    if (player.isPicture) return;
    const here = marks().filter(({ start, end }) => start <= time + 0.05 && time < (end ?? start + LASTS_S));
    for (const thread of box.querySelectorAll(".thread.here")) thread.classList.remove("here");
    for (const { id } of here) row(id)?.classList.add("here");
    if (follows && !pane.hidden && here.length && !pane.contains(document.activeElement)) scrollTo(row(here.at(-1).id));
  }

  function scrollTo(element) {
    const list = document.getElementById("threads");
    if (!element || element.hidden || !list) return;
    const [room, rect] = [list.getBoundingClientRect(), element.getBoundingClientRect()];
    if (rect.top < room.top || rect.bottom > room.bottom) list.scrollTop += rect.top - room.top - 8;
  }

  function setFollow(on) {
    follows = on;
    document.getElementById("comment-follow").hidden = on || player.isPicture;
    if (on) follow(store.get());
  }

  /** Go to the moment of a thread, and show its place. */
  function choose(id) {
    const one = mark(id);
    if (!one) return;
    for (const other of box.querySelectorAll(".is-chosen")) other.classList.remove("is-chosen");
    row(id)?.classList.add("is-chosen");
    player.pause();
    player.seek(one.start);
    form.box?.show(one.box);
  }

  /** Show a comment or answer, whatever the filter says. */
  function reveal(id, { evenHidden = false } = {}) {
    const element = row(id);
    const thread = element?.closest(".thread");
    if (!thread) return null;
    if (thread.hidden && evenHidden) {
      document.getElementById("comment-show").value = "";
      filter();
    }
    scrollTo(element);
    return Number(thread.dataset.thread);
  }

  /** A form in place of a text, or below a thread. */
  function openForm(place, { text, label, button, save }) {
    box.querySelector(".composer.answer")?.remove();
    const answer = document.getElementById("answer-form").content.firstElementChild.cloneNode(true);
    const field = answer.elements.text;
    field.setAttribute("aria-label", label);
    field.value = text;
    answer.querySelector(".btn.p").textContent = button;
    const close = () => {
      answer.remove();
      place.querySelector("summary, [data-answer]")?.focus();
    };
    answer.addEventListener("submit", async (event) => {
      event.preventDefault();
      const done = await save(field.value);
      if (!done.detail) return;
      const said = answer.querySelector(".error");
      said.textContent = done.detail;
      said.hidden = false;
      field.focus();
    });
    answer.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) answer.requestSubmit();
      if (event.key === "Escape") close();
      event.stopPropagation();
    });
    answer.querySelector("[data-cancel]").addEventListener("click", close);
    place.append(answer);
    wireMentions(field, () => data.people);
    field.focus();
    field.setSelectionRange(field.value.length, field.value.length);
  }

  function edit(said) {
    const id = Number(said.dataset.comment);
    openForm(said, {
      text: said.dataset.typed,
      label: "Edit the comment",
      button: "Save",
      async save(text) {
        const answer = await send(`/comments/${id}/edit`, { text });
        if (!answer.detail) tellUndo("Edited.", () => act(id, "undo-edit"));
        return answer;
      },
    });
  }

  function answer(thread) {
    const id = thread.dataset.thread;
    openForm(thread, {
      text: "",
      label: "Answer the comment",
      button: "Answer",
      save: (text) => send(data.add, { text, thread: id }),
    });
  }

  async function copy(path) {
    const url = new URL(path, location.href).href;
    await navigator.clipboard.writeText(url).then(
      () => tell("Link to the comment copied", "info"),
      () => tell(`Copying is not allowed here. The link: ${url}`, "info"),
    );
  }

  box.addEventListener("click", async (event) => {
    const thread = event.target.closest(".thread");
    if (!thread) return;
    const said = event.target.closest(".said");
    const button = event.target.closest("button");
    if (!button) return;
    const { dataset } = button;
    if (dataset.go !== undefined) choose(Number(thread.dataset.thread));
    else if (dataset.answer !== undefined) answer(thread);
    else if (dataset.edit !== undefined) edit(said);
    else if (dataset.link) copy(dataset.link);
    else if (dataset.react) {
      const place = `#comment-${said.closest("[id^=comment-]").id.slice(8)} [data-react="${dataset.react}"]`;
      const done = await send(`/comments/${said.dataset.comment}/react`, { kind: dataset.react });
      if (done.detail) tell(done.detail);
      document.querySelector(place)?.focus();
    } else if (dataset.do) {
      event.preventDefault();
      act(said?.dataset.comment ?? thread.dataset.thread, dataset.do);
    }
  });

  function drawMarks() {
    const bar = document.getElementById("comment-marks");
    if (!bar || !player.duration) return;
    bar.replaceChildren(
      ...marks().map(({ start, open }) => {
        const tick = document.createElement("i");
        tick.style.left = `${(start / player.duration) * 100}%`;
        tick.classList.toggle("is-resolved", !open);
        return tick;
      }),
    );
  }

  /** In the timeline: a click on a mark, and arrows on the name of the lane. */
  function wireLane() {
    document.getElementById("tl-canvas")?.addEventListener("comment-at", (event) => {
      const { time, near } = event.detail;
      const apart = ({ start }) => Math.abs(start - time);
      const one = marks().toSorted((a, b) => apart(a) - apart(b))[0];
      if (!one || apart(one) > near) return;
      event.preventDefault();
      openTab("tab-comments");
      choose(reveal(one.id, { evenHidden: true }));
    });
    const name = document.getElementById("tl-comments");
    name?.addEventListener("click", () => openTab("tab-comments"));
    name?.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const { time } = store.get();
      const next = step > 0 ? marks().find(({ start }) => start > time + 0.05) : marks().findLast(({ start }) => start < time - 0.05);
      if (next) choose(next.id);
    });
  }

  /** What others have said meanwhile, unless somebody is in the middle of something here. */
  async function ask() {
    const isBusy = pane.querySelector(".composer.answer, details[open]") || pane.contains(document.activeElement);
    if (document.hidden || pane.hidden || isBusy) return;
    const response = await fetch(data.add, { headers: { accept: "text/html" } }).catch(() => null);
    if (!response?.ok) return;
    const html = await response.text();
    const now = new DOMParser().parseFromString(html, "text/html").getElementById("threads");
    const there = document.getElementById("threads");
    if (now?.textContent !== there?.textContent) draw(html);
  }

  document.addEventListener("keydown", (event) => {
    if (keyOf(event) !== "t" || event.target.closest("dialog, [role=dialog]")) return;
    event.preventDefault();
    openTab("tab-comments");
    form.begin();
  });
  store.on(["time"], follow);
  read();
  wireLane();
  setInterval(ask, ASK_MS);
  openLinked();

  /** A link to a comment opens the player there. */
  function openLinked() {
    const id = Number(new URLSearchParams(location.search).get("comment"));
    if (!id || !row(id)) return;
    openTab("tab-comments");
    const thread = reveal(id, { evenHidden: true });
    choose(thread);
    if (id !== thread) row(id).classList.add("is-chosen");
  }
}
