// What both music bots share: how a node is named, and the actions they offer.

import { GatewayIntentBits } from 'discord.js';

import { login, makeClient } from './client.mjs';
import { obey, setting } from './lines.mjs';

export const RESUME_S = 60;

/** Host, port and password of the node. */
export function node() {
  const { hostname, port } = new URL(setting('PEER_NODE_URL'));
  return { host: hostname, port: Number(port), password: setting('PEER_NODE_PASSWORD') };
}

/** A discord.js client that sees guilds and who is in voice. */
export const musicClient = () => makeClient([GatewayIntentBits.Guilds, GatewayIntentBits.GuildVoiceStates]);

/** Offers the actions, then logs in. */
export async function run(client, actions) {
  obey(actions, () => client.destroy());
  await login(client);
}
