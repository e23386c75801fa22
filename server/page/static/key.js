/** The key of the caller: kept until the browser's tab is closed, and nowhere else. */

const NAME = "plumbline.key";

export const storedKey = () => sessionStorage.getItem(NAME) || "";

export function storeKey(key) {
  if (key) sessionStorage.setItem(NAME, key);
  else sessionStorage.removeItem(NAME);
}
