// Sending what a person did beside the player, and offering to take it back.

const SAID = {
  403: "Your role does not allow this.",
  404: "It is no longer there. Reload the page.",
};

export function tell(text, kind = "error") {
  dispatchEvent(new CustomEvent("sightline:tell", { detail: { text, kind } }));
}

/** The server's answer as an object; with `detail`, a sentence, where it was refused. */
export async function post(url, values) {
  const token = decodeURIComponent(document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "");
  const headers = { "x-csrftoken": token, accept: "application/json" };
  const response = await fetch(url, { method: "POST", body: new URLSearchParams(values), headers }).catch(() => null);
  const answer = await response?.json().catch(() => null);
  if (response?.ok) return answer ?? {};
  return { detail: answer?.detail || SAID[response?.status] || "It could not be kept. Try again in a moment." };
}

export function tellUndo(sentence, undo) {
  tell(sentence, "info");
  const toast = document.querySelector("#toasts .toast:last-child");
  if (!toast) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.textContent = "Undo";
  button.addEventListener("click", () => {
    undo();
    toast.remove();
  });
  toast.querySelector("[data-text]").append(" ", button);
}
