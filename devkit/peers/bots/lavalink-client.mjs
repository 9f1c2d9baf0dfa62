// A music bot on lavalink-client, with its queue, its resuming and its filter manager.

import { LavalinkManager } from 'lavalink-client';

import { tell } from './lines.mjs';
import { RESUME_S, musicClient, node, run } from './music.mjs';

const client = musicClient();
const { host, port, password } = node();
const lavalink = new LavalinkManager({
  nodes: [
    {
      id: 'node',
      host,
      port,
      authorization: password,
      retryAmount: 20,
      retryDelay: 200,
      // It would ask the node for the music service that it searches by default.
      autoChecks: { sourcesValidations: false },
    },
  ],
  sendToShard: (guild, payload) => client.guilds.cache.get(guild)?.shard?.send(payload),
  client: { id: '1', username: 'peer' },
  autoSkip: true,
});

lavalink.nodeManager.on('connect', async (one) => {
  while (!one.sessionId) await new Promise((resolve) => lavalink.nodeManager.once('raw', resolve));
  await one.updateSession(true, RESUME_S);
  // What it sends as Session-Id when it connects again is this option.
  one.options.sessionId = one.sessionId;
  tell('node-ready', { session: one.sessionId, version: one.info.version.semver });
});
lavalink.nodeManager.on('resumed', (one, payload, players) =>
  tell('node-resumed', { session: payload.sessionId, players: players.map((player) => player.guildId) }),
);
lavalink.nodeManager.on('disconnect', (one, reason) => tell('node-lost', { code: reason.code ?? null }));
lavalink.nodeManager.on('error', (one, error) => tell('node-error', { error: error.message }));
lavalink.on('trackStart', (player, track) => tell('start', { guild: player.guildId, title: track.info.title }));
lavalink.on('trackEnd', (player, track, payload) =>
  tell('end', { guild: player.guildId, title: track.info.title, reason: payload.reason }),
);
lavalink.on('queueEnd', (player) => tell('queue-end', { guild: player.guildId }));
lavalink.on('trackError', (player, track, payload) =>
  tell('track-error', { guild: player.guildId, message: payload.exception?.message }),
);
lavalink.on('playerSocketClosed', (player, payload) =>
  tell('voice-closed', { guild: player.guildId, code: payload.code }),
);

client.on('raw', (packet) => lavalink.sendRawData(packet));
client.once('clientReady', () => lavalink.init({ id: client.user.id, username: client.user.username }));

const player = (guild) => {
  const found = lavalink.getPlayer(guild);
  if (!found) throw new Error(`no player in ${guild}`);
  return found;
};

await run(client, {
  async play({ guild, channel, links }) {
    const made =
      lavalink.getPlayer(guild) ??
      lavalink.createPlayer({ guildId: guild, voiceChannelId: channel, selfDeaf: true, volume: 100 });
    if (!made.connected) await made.connect();
    const titles = [];
    for (const link of links) {
      const found = await made.search({ query: link }, client.user);
      if (found.loadType !== 'track') throw new Error(`${link} is ${found.loadType}`);
      await made.queue.add(found.tracks[0]);
      titles.push(found.tracks[0].info.title);
    }
    if (!made.playing) await made.play();
    return titles;
  },
  async search({ words }) {
    const found = await lavalink.nodeManager.nodes.get('node').search({ query: words, source: 'ytsearch' }, client.user);
    return { type: found.loadType, titles: found.tracks.map((track) => track.info.title) };
  },
  pause: ({ guild }) => player(guild).pause().then(() => null),
  resume: ({ guild }) => player(guild).resume().then(() => null),
  volume: ({ guild, percent }) => player(guild).setVolume(percent).then(() => null),
  seek: ({ guild, ms }) => player(guild).seek(ms).then(() => null),
  skip: ({ guild }) => player(guild).skip().then(() => null),
  async filters({ guild, speed, bands }) {
    const one = player(guild);
    await one.filterManager.setEQ(bands);
    await one.filterManager.setSpeed(speed);
  },
  clearFilters: ({ guild }) => player(guild).filterManager.resetFilters().then(() => null),
  leave: ({ guild }) => player(guild).destroy().then(() => null),
  // What the node says, asked with the library's own call.
  seen: ({ guild }) => player(guild).node.fetchPlayer(guild),
});
