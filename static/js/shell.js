// The frame around every page: theme, key sheet, menus, toasts, copying.
import "./common/goes-on.js";
import "./zone.js";
import { isTyping, keyOf, setSingleKeys, singleKeysOn } from "./keys.js";

const THEME = "sightline.theme";

// --- theme: system → light → dark ------------------------------------------------------------
function showTheme() {
  const wish = localStorage.getItem(THEME) || "system";
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === wish));
  }
}

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-theme-choice]");
  if (!choice) return;
  localStorage.setItem(THEME, choice.dataset.themeChoice);
  dispatchEvent(new Event("sightline:theme"));
  showTheme();
});
showTheme();

// --- tabs: on a phone the one that is open may lie beyond the edge -----------------------------
for (const tab of document.querySelectorAll(".tabs > [aria-current]")) {
  const { parentElement: tabs } = tab;
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// --- the key sheet ---------------------------------------------------------------------------
const sheet = document.getElementById("keys");
const single = document.getElementById("single-keys");

document.addEventListener("keydown", (event) => {
  if (event.key === "?" && !isTyping(event.target)) {
    event.preventDefault();
    if (sheet?.open) sheet.close();
    else sheet?.showModal();
  } else if (keyOf(event) === "/") {
    const field = document.querySelector("[data-key='/']");
    const search = document.querySelector(".rail a[href='/search']");
    if (!field && !search) return;
    event.preventDefault();
    if (field) field.focus();
    else location.href = search.href;
  } else if (event.key === "Escape") {
    closeMenus();
  }
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-show-keys]")) sheet?.showModal();
  if (event.target === sheet) sheet.close();
});
if (single) {
  single.checked = singleKeysOn();
  single.addEventListener("change", () => setSingleKeys(single.checked));
}

// --- menus close when one looks elsewhere ------------------------------------------------------
function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (menu === except) continue;
    if (menu.contains(document.activeElement) && !except) menu.querySelector("summary").focus();
    menu.open = false;
  }
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));

// --- toasts ----------------------------------------------------------------------------------
const toasts = document.getElementById("toasts");

/** Say something quietly. Other modules: dispatch "sightline:tell" with { text, kind }. */
function tell(text, kind = "info") {
  const toast = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-text]").textContent = text;
  toast.classList.add(kind);
  toasts.append(toast);
}
addEventListener("sightline:tell", (event) => tell(event.detail.text, event.detail.kind));

function outlive(toast) {
  if (toast.dataset.timed) return;
  toast.dataset.timed = "yes";
  toast.querySelector(".close").addEventListener("click", () => toast.remove());
  if (toast.classList.contains("error")) return; // stays until it is read
  const stay = toast.querySelector("form") ? 12000 : 6000;
  let timer = setTimeout(() => toast.remove(), stay);
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("focusin", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", () => (timer = setTimeout(() => toast.remove(), 3000)));
}
if (toasts) {
  for (const toast of toasts.children) outlive(toast);
  new MutationObserver(() => [...toasts.children].forEach(outlive)).observe(toasts, { childList: true });
}

document.addEventListener("htmx:responseError", (event) => {
  const said = { 403: "Your role does not allow this.", 404: "It is no longer there. Reload the page." };
  tell(said[event.detail.xhr.status] || "That did not work. Try again in a moment.", "error");
});
document.addEventListener("htmx:sendError", () => {
  tell("The server cannot be reached. Nothing was changed.", "error");
});

// --- what is looked for goes into the address, which servers read to a length -------------------
const LONGEST = 6000; // bytes of words in an address

document.addEventListener("input", ({ target }) => {
  if (target.type !== "search" || target.form?.method !== "get") return;
  const isTooLong = encodeURIComponent(target.value.toWellFormed()).length > LONGEST;
  const n = target.value.length.toLocaleString("en");
  target.setCustomValidity(isTooLong ? `This is too long to look for: ${n} characters. Shorten it.` : "");
  if (isTooLong) target.reportValidity();
});

// --- copying, and forms that send themselves ----------------------------------------------------
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy || button.parentElement.querySelector("code").textContent.trim();
  try {
    await navigator.clipboard.writeText(text);
    tell("Copied");
  } catch {
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    tell("Selected. Press Ctrl+C to copy.");
  }
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-send-on-change]")) event.target.form.requestSubmit();
});
