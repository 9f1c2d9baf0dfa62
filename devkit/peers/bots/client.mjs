// A discord.js client on whatever API the environment names.

import { Client, Events } from 'discord.js';

import { setting, tell } from './lines.mjs';

/** Not logged in yet. Tells ready, resumed, dropped and what its gateway could not make sense of. */
export function makeClient(intents) {
  const client = new Client({ intents, rest: { api: setting('PEER_DISCORD_API') } });
  client.once(Events.ClientReady, (ready) => {
    const guilds = ready.guilds.cache.map((guild) => guild.id);
    tell('ready', { user: ready.user.id, application: ready.application.id, guilds });
  });
  client.on(Events.GuildCreate, (guild) => tell('guild', { guild: guild.id }));
  client.on(Events.ShardResume, (shard, replayed) => tell('resumed', { shard, replayed }));
  client.on(Events.ShardReconnecting, (shard) => tell('reconnecting', { shard }));
  client.on(Events.ShardError, (error, shard) => tell('shard-error', { shard, error: error.message }));
  client.on(Events.Error, (error) => tell('error', { error: error.stack }));
  client.on(Events.Debug, (message) => process.stderr.write(`${message}\n`));
  return client;
}

/** Logs in with the token of the environment. */
export async function login(client) {
  await client.login(setting('PEER_DISCORD_TOKEN'));
}
