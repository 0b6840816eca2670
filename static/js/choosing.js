// Files chosen by a button.

/** `take` is called with the input when somebody has chosen files, also before this was heard: on a
 * slow line the button is there some seconds earlier than its script. */
export function onChosen(input, take) {
  const chosen = () => {
    if (input.files.length) take(input);
  };
  input.addEventListener("change", chosen);
  queueMicrotask(chosen); // the page's script has run to its end by then
}
