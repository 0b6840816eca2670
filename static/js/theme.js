// Runs before the first paint, so that a page never flashes in the other theme.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const wish = () => {
    try {
      return localStorage.getItem("sightline.theme") || "system";
    } catch {
      return "system";
    }
  };
  const apply = () => {
    const theme = wish() === "system" ? (dark.matches ? "dark" : "light") : wish();
    if (root.dataset.theme === theme) return;
    root.dataset.theme = theme;
    dispatchEvent(new CustomEvent("themechange", { detail: { theme } }));
  };
  apply();
  dark.addEventListener("change", apply);
  addEventListener("storage", apply);
  addEventListener("sightline:theme", apply);
})();
