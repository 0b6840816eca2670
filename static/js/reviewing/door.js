// The session is over: how to sign in again, and going on when that was done.
const $ = (id) => document.getElementById(id);

/** @param {{outbox: import("../common/outbox.js").Outbox, goOn: () => void}} options */
export function createDoor({ outbox, goOn }) {
  const door = $("door");
  let isOut = false; // the page could not be given the next item

  const show = () => (door.hidden = !isOut && outbox.state !== "signed-out");
  function comeBack() {
    if (outbox.state === "signed-out") outbox.hurry();
    if (isOut) goOn();
  }

  outbox.addEventListener("changed", show);
  door.querySelector("[data-again]").addEventListener("click", comeBack);
  for (const event of ["focus", "pageshow"]) addEventListener(event, comeBack); // from the other tab
  return {
    set isOut(value) {
      isOut = value;
      show();
    },
  };
}
