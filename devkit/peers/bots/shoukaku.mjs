// A music bot on shoukaku, which has no queue: the bot keeps one.

import { Connectors, Shoukaku } from 'shoukaku';

import { tell } from './lines.mjs';
import { RESUME_S, musicClient, node, run } from './music.mjs';

const client = musicClient();
const { host, port, password } = node();
const shoukaku = new Shoukaku(
  new Connectors.DiscordJS(client),
  [{ name: 'node', url: `${host}:${port}`, auth: password }],
  { resume: true, resumeTimeout: RESUME_S, reconnectTries: 20, reconnectInterval: 0.2, restTimeout: 10 },
);
const queues = new Map();

shoukaku.on('ready', (name, resumed) => {
  const session = shoukaku.nodes.get(name).sessionId;
  tell(resumed ? 'node-resumed' : 'node-ready', { session });
});
shoukaku.on('close', (name, code) => tell('node-lost', { code }));
shoukaku.on('error', (name, error) => tell('node-error', { error: error.message }));

const player = (guild) => {
  const found = shoukaku.players.get(guild);
  if (!found) throw new Error(`no player in ${guild}`);
  return found;
};

async function next(guild) {
  const track = queues.get(guild).shift();
  if (track) await player(guild).playTrack({ track: { encoded: track.encoded } });
  else tell('queue-end', { guild });
}

function follow(guild, made) {
  made.on('start', ({ track }) => tell('start', { guild, title: track.info.title }));
  made.on('end', ({ track, reason }) => {
    tell('end', { guild, title: track.info.title, reason });
    if (reason === 'finished' || reason === 'stopped') {
      next(guild).catch((error) => tell('error', { error: error.stack }));
    }
  });
  made.on('exception', ({ exception }) => tell('track-error', { guild, message: exception.message }));
  made.on('closed', ({ code }) => tell('voice-closed', { guild, code }));
}

await run(client, {
  async play({ guild, channel, links }) {
    if (!shoukaku.players.has(guild)) {
      const joined = { guildId: guild, channelId: channel, shardId: 0, deaf: true };
      queues.set(guild, []);
      follow(guild, await shoukaku.joinVoiceChannel(joined));
    }
    const titles = [];
    for (const link of links) {
      const found = await player(guild).node.rest.resolve(link);
      if (found.loadType !== 'track') throw new Error(`${link} is ${found.loadType}`);
      queues.get(guild).push(found.data);
      titles.push(found.data.info.title);
    }
    if (!player(guild).track) await next(guild);
    return titles;
  },
  async search({ words }) {
    const found = await shoukaku.getIdealNode().rest.resolve(`ytsearch:${words}`);
    return { type: found.loadType, titles: found.data.map((track) => track.info.title) };
  },
  pause: ({ guild }) => player(guild).setPaused(true),
  resume: ({ guild }) => player(guild).setPaused(false),
  volume: ({ guild, percent }) => player(guild).setGlobalVolume(percent),
  seek: ({ guild, ms }) => player(guild).seekTo(ms),
  skip: ({ guild }) => player(guild).stopTrack(),
  filters: ({ guild, speed, bands }) => player(guild).setFilters({ equalizer: bands, timescale: { speed } }),
  clearFilters: ({ guild }) => player(guild).clearFilters(),
  leave({ guild }) {
    queues.set(guild, []);
    return shoukaku.leaveVoiceChannel(guild);
  },
  // What the node says, asked with the library's own call.
  seen: ({ guild }) => player(guild).node.rest.getPlayer(guild),
});
