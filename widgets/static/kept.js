// @ts-check
// What the browser keeps of how a user likes the page; it decides nothing about the project.

/** @param {string} name */
export function kept(name) {
  try {
    return localStorage.getItem(`curator-${name}`) === "1";
  } catch {
    return false; // a browser that forbids it forgets at the next reload
  }
}

/** @param {string} name @param {boolean} value */
export function keep(name, value) {
  try {
    localStorage.setItem(`curator-${name}`, value ? "1" : "0");
  } catch {
    // as above
  }
  return value;
}
