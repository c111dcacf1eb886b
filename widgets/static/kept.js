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

/** A number between two ends, or `usual`. @param {string} name @param {number} usual
 * @param {number} least @param {number} most */
export function keptNumber(name, usual, least, most) {
  try {
    const value = Number(localStorage.getItem(`curator-${name}`) ?? usual);
    return value >= least && value <= most ? value : usual;
  } catch {
    return usual;
  }
}

/** @param {string} name @param {number} value */
export function keepNumber(name, value) {
  try {
    localStorage.setItem(`curator-${name}`, String(value));
  } catch {
    // as above
  }
  return value;
}
