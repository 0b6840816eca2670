// What the page knows and who wants to hear when it changes. No module reaches into another.

/**
 * @typedef {object} State
 * @property {number|null} threshold   one confidence for all labels; null: each label's own
 * @property {string} method
 * @property {number[]} off            labels left out
 * @property {[number, number]|null} window  the chosen range, in seconds
 * @property {number|null} open        the label whose episodes are shown
 * @property {[number, number]} shown  what the timeline shows, in seconds
 * @property {number} time             the playhead, in seconds
 * @property {number} pictureTime      when the picture on screen belongs, in seconds
 * @property {number} settled          the last place the person stopped at
 * @property {boolean} boxes
 * @property {boolean} weak
 * @property {object|null} figures     the server's latest answer
 * @property {object[]} segments
 * @property {number[]} shots
 *
 * @typedef {{get(): State, set(patch: Partial<State>): void,
 *   on(keys: (keyof State)[], listen: (state: State) => void): void}} Store
 */

/** @param {State} initial @returns {Store} */
export function createStore(initial) {
  let state = initial;
  const listeners = [];
  return {
    get: () => state,
    set(patch) {
      const changed = Object.keys(patch).filter((key) => !Object.is(state[key], patch[key]));
      if (!changed.length) return;
      state = { ...state, ...patch };
      for (const { keys, listen } of listeners) {
        if (keys.some((key) => changed.includes(key))) listen(state);
      }
    },
    on(keys, listen) {
      listeners.push({ keys, listen });
    },
  };
}
