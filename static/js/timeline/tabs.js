// Tabs as the ARIA pattern has them: arrows move, the chosen pane shows. The page that comes after a
// form of a pane was sent, or after a reload, shows that pane again.

/** @param {HTMLElement} list @param {(id: string) => void} onShow
 * @returns {(id: string) => void} which chooses a tab */
export function wireTabs(list, onShow = () => {}) {
  const key = `tab ${location.pathname}`;
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab) => {
    for (const other of tabs) {
      const isChosen = other === tab;
      other.setAttribute("aria-selected", String(isChosen));
      other.tabIndex = isChosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !isChosen;
    }
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    sessionStorage.setItem(key, tab.id);
    onShow(tab.id);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) choose(tab);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = tabs[(tabs.indexOf(document.activeElement) + step + tabs.length) % tabs.length];
    next.focus();
    choose(next);
  });
  const before = tabs.find((tab) => tab.id === sessionStorage.getItem(key));
  if (before) choose(before);
  return (id) => choose(tabs.find((tab) => tab.id === id));
}
