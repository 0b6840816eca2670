// What waits to be sent, in IndexedDB: it outlives a lost connection, a closed tab and a crash.

const NAME = "sightline-labelling";
const STORE = "waiting";

const settled = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * @returns {Promise<{all(): Promise<object[]>, put(record: object): Promise<void>,
 *   remove(key: string): Promise<void>, isLasting: boolean}>}
 *   Where a browser has no IndexedDB (some private windows), only memory: `isLasting` is false.
 */
export async function openKept() {
  try {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    const database = await settled(request);
    const store = (mode) => database.transaction(STORE, mode).objectStore(STORE);
    return {
      isLasting: true,
      all: async () => (await settled(store("readonly").getAll())).sort((a, b) => a.at - b.at),
      put: (record) => settled(store("readwrite").put(record)),
      remove: (key) => settled(store("readwrite").delete(key)),
    };
  } catch {
    return { isLasting: false, all: async () => [], put: async () => {}, remove: async () => {} };
  }
}
