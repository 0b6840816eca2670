// Who is meant by @: a list under the text field, by the ARIA pattern of a combobox. Arrows choose,
// Enter or Tab takes, Escape closes. The name that is put in is one that is theirs alone.

const MOST = 8;
const BEGUN = /(?:^|[^\w@.])@([^\s@]*(?: [^\s@]*)?)$/u; // a name may be of two words
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();

/** Those whose name, a word of it, or e-mail begins so; by how early it does. */
export function peopleLike(people, begun) {
  const wanted = plain(begun);
  const rank = ({ name, email }) => {
    if (plain(name).startsWith(wanted)) return 0;
    if (plain(name).split(/\s+/).some((word) => word.startsWith(wanted))) return 1;
    return plain(email).startsWith(wanted) ? 2 : 3;
  };
  return people
    .map((person) => [rank(person), person])
    .filter(([at]) => at < 3)
    .sort((a, b) => a[0] - b[0] || a[1].name.localeCompare(b[1].name))
    .slice(0, MOST)
    .map(([, person]) => person);
}

/** What stands behind the last @ before the caret; null where none begins a name. */
export function begunName(text, caret) {
  return text.slice(0, caret).match(BEGUN)?.[1] ?? null;
}

let serial = 0;

/** @param {HTMLTextAreaElement} field @param {() => {name: string, handle: string, email: string}[]} people */
export function wireMentions(field, people) {
  const list = document.createElement("ul");
  list.className = "people-list";
  list.id = `people-${(serial += 1)}`;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Members");
  list.hidden = true;
  field.after(list);
  field.setAttribute("aria-autocomplete", "list");
  let found = [];
  let at = 0;

  function show() {
    const begun = begunName(field.value, field.selectionStart);
    found = begun === null ? [] : peopleLike(people(), begun);
    if (!found.length) return close();
    at = 0;
    list.replaceChildren(...found.map(option));
    list.style.top = `${field.offsetTop + field.offsetHeight + 2}px`;
    list.style.left = `${field.offsetLeft}px`;
    list.hidden = false;
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-haspopup", "listbox");
    field.setAttribute("aria-expanded", "true");
    field.setAttribute("aria-controls", list.id);
    return mark();
  }

  function close() {
    list.hidden = true;
    for (const name of ["role", "aria-haspopup", "aria-expanded", "aria-controls", "aria-activedescendant"]) {
      field.removeAttribute(name);
    }
  }

  function option(person, n) {
    const item = document.createElement("li");
    item.id = `${list.id}-${n}`;
    item.setAttribute("role", "option");
    const email = document.createElement("span");
    email.className = "small";
    email.textContent = person.handle === person.name ? "" : person.email;
    item.append(person.name, email);
    item.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the field keeps the focus
      take(n);
    });
    return item;
  }

  function mark() {
    for (const [n, item] of [...list.children].entries()) item.setAttribute("aria-selected", String(n === at));
    field.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  }

  function take(n) {
    const caret = field.selectionStart;
    const begun = begunName(field.value, caret) ?? "";
    const start = caret - begun.length;
    field.setRangeText(`${found[n].handle} `, start, caret, "end");
    close();
  }

  field.addEventListener("input", show);
  field.addEventListener("click", show);
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) at = (at + step + found.length) % found.length;
    else if (event.key === "Enter" || event.key === "Tab") take(at);
    else if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (step) mark();
    else close();
  });
}
