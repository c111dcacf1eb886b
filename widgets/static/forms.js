// @ts-check
// A form that was sent.

/** Its text fields by name; the browser does not send it anywhere.
 * @param {SubmitEvent & {target: HTMLFormElement}} event @returns {Record<string, string>} */
export function fieldsOf(event) {
  event.preventDefault();
  return Object.fromEntries(
    [...new FormData(event.target)].map(([name, value]) => [name, String(value)]),
  );
}
