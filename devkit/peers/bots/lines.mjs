// How a bot is driven: a JSON line in is an action, a JSON line out an event. It ends when its input does,
// so that it never outlives whoever started it.

import { createInterface } from 'node:readline';

const PATIENCE_MS = 2_000;

/** What the environment must name; one line and exit 2 if it does not. */
export function setting(name) {
  const value = process.env[name];
  if (!value) {
    process.stderr.write(`${name} is not set\n`);
    process.exit(2);
  }
  return value;
}

/** Tells an event. */
export function tell(event, fields = {}) {
  process.stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
}

/**
 * Does what it is told, several things at a time, and answers each by its id.
 *
 * @param actions name to async function of one object; what it returns must be JSON
 * @param end closes everything; afterwards the process ends
 */
export function obey(actions, end) {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', async (line) => {
    const { id, action, args } = JSON.parse(line);
    try {
      if (!(action in actions)) throw new Error(`there is no action ${action}`);
      tell('done', { id, result: (await actions[action](args)) ?? null });
    } catch (error) {
      const { code, message, status } = error;
      tell('failed', { id, error: { code: code ?? null, message: String(message), status: status ?? null } });
    }
  });
  lines.on('close', async () => {
    setTimeout(() => process.exit(1), PATIENCE_MS).unref();
    await end();
    process.exit(0);
  });
}
