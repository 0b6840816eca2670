// “This is not Emirates”: one press keeps what a box shows as a picture of what its label is not.

const TRIES = 20;

/** @param {HTMLElement} row of the list beside the frame
 *  @param {{box: object, time: number, label: {name: string}, url: string}} what */
export function wireNotThis(row, { box, time, label, url }) {
  const button = row.querySelector("[data-not-this]");
  if (!button) return; // may look and not change
  button.textContent = `This is not ${label.name}`;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const says = row.querySelector("[data-says]");
    says.hidden = false;
    says.textContent = "Cutting it out of the frame…";
    const { ok, said, url: project } = await keep(url, box, time);
    says.textContent = said;
    button.disabled = ok;
    button.hidden = ok;
    if (project) says.append(" ", Object.assign(document.createElement("a"), { href: project, textContent: "See it", className: "link" }));
  });
}

async function keep(url, { label, xyxy: [x1, y1, x2, y2] }, t) {
  const body = new URLSearchParams({ label, t, x1, y1, x2, y2 });
  const headers = { "x-csrftoken": decodeURIComponent(document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "") };
  for (let tries = 0; tries < TRIES; tries += 1) {
    const response = await fetch(url, { method: "POST", body, headers }).catch(() => null);
    if (response?.status === 201) return { ok: true, ...(await response.json()) };
    if (response?.status !== 202) {
      const problem = await response?.json().catch(() => null);
      return { ok: false, said: problem?.detail || "It could not be kept. Try again." };
    }
    await new Promise((resolve) => setTimeout(resolve, 300 + 200 * tries));
  }
  return { ok: false, said: "No worker cut out the frame. Try again in a moment." };
}
