// What the page knows and who wants to hear when it changes. No module reaches into another.

/**
 * @template {object} State
 * @param {State} initial
 * @returns {{get(): State, set(patch: Partial<State>): void,
 *   on(keys: (keyof State)[], listen: (state: State) => void): void}}
 */
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
