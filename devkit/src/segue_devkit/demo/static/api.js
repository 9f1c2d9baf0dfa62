// Asking the page's server. Every failure is words for a person.

const AWAY = "That could not be sent: the demo can’t be reached.";

export class Refused extends Error {}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(AWAY);
  }
  const data = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(data.error ?? "That did not work.");
  return data;
}

/** POST JSON; resolves to the answer, or throws Refused. */
export const post = (path, body, signal) =>
  answered(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal });

/** Send a file; resolves to {file, bytes}. */
export const upload = (path, file) =>
  answered(`${path}?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });

export const get = (path) => answered(path, {});
