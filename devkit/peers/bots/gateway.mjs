// discord.js's own parts without the client: its gateway and REST packages, with compression chosen by the
// environment: "zlib-stream", "identify" or "none".

import { Client, GatewayDispatchEvents, GatewayIntentBits } from '@discordjs/core';
import { REST } from '@discordjs/rest';
import { CompressionMethod, WebSocketManager, WebSocketShardEvents } from '@discordjs/ws';

import { obey, setting, tell } from './lines.mjs';

const COMPRESSION = {
  'zlib-stream': { compression: CompressionMethod.ZlibNative },
  identify: { useIdentifyCompression: true },
  none: {},
};

const token = setting('PEER_DISCORD_TOKEN');
const rest = new REST({ api: setting('PEER_DISCORD_API'), version: '10' }).setToken(token);
const gateway = new WebSocketManager({
  token,
  intents: GatewayIntentBits.Guilds | GatewayIntentBits.GuildMessages,
  rest,
  ...COMPRESSION[setting('PEER_COMPRESSION')],
});
const client = new Client({ rest, gateway });

gateway.on(WebSocketShardEvents.Resumed, (shard) => tell('resumed', { shard }));
gateway.on(WebSocketShardEvents.Closed, (code, shard) => tell('closed', { code, shard }));
gateway.on(WebSocketShardEvents.Error, (error, shard) => tell('shard-error', { error: error.message, shard }));
gateway.on(WebSocketShardEvents.Debug, (message) => process.stderr.write(`${message}\n`));
client.on(GatewayDispatchEvents.Ready, ({ data }) => tell('ready', { user: data.user.id }));
client.on(GatewayDispatchEvents.GuildCreate, ({ data }) => tell('guild', { guild: data.id, name: data.name }));
client.on(GatewayDispatchEvents.MessageCreate, ({ data }) =>
  tell('message', { id: data.id, author: data.author.username }),
);

obey({}, () => gateway.destroy());
await gateway.connect();
