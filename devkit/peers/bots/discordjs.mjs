// A bot as one writes it with discord.js: commands, autocomplete, buttons, a select menu and a modal.

import { createHash } from 'node:crypto';

import {
  ActionRowBuilder,
  AttachmentBuilder,
  ButtonBuilder,
  ButtonStyle,
  EmbedBuilder,
  Events,
  GatewayIntentBits,
  MessageFlags,
  ModalBuilder,
  SlashCommandBuilder,
  StringSelectMenuBuilder,
  TextInputBuilder,
  TextInputStyle,
} from 'discord.js';

import { login, makeClient } from './client.mjs';
import { obey, tell } from './lines.mjs';

const SONGS = ['Harbour Fog', 'Half Past Midnight', 'Kite Weather'];

const client = makeClient([
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.GuildVoiceStates,
]);

const COMMANDS = [
  new SlashCommandBuilder().setName('now').setDescription('Answer at once'),
  new SlashCommandBuilder()
    .setName('later')
    .setDescription('Answer after thinking about it')
    .addIntegerOption((option) =>
      option.setName('times').setDescription('How often to write again').setRequired(true).setMaxValue(5),
    )
    .addUserOption((option) => option.setName('friend').setDescription('Whom to greet')),
  new SlashCommandBuilder()
    .setName('song')
    .setDescription('Sub-commands and autocomplete')
    .addSubcommand((command) =>
      command
        .setName('pick')
        .setDescription('Pick one')
        .addStringOption((option) =>
          option.setName('title').setDescription('Which').setRequired(true).setAutocomplete(true),
        ),
    ),
  new SlashCommandBuilder().setName('panel').setDescription('Buttons and a menu'),
  new SlashCommandBuilder().setName('ask').setDescription('A modal'),
  new SlashCommandBuilder()
    .setName('file')
    .setDescription('A file there and back')
    .addAttachmentOption((option) => option.setName('sound').setDescription('Which').setRequired(true)),
];

const button = (id, label) =>
  new ButtonBuilder().setCustomId(id).setLabel(label).setStyle(ButtonStyle.Primary);

function panel() {
  const menu = new StringSelectMenuBuilder()
    .setCustomId('choose')
    .setPlaceholder('Choose a song')
    .setMinValues(1)
    .setMaxValues(2)
    .addOptions(SONGS.map((title) => ({ label: title, value: title })));
  return {
    embeds: [new EmbedBuilder().setTitle('panel').addFields({ name: 'state', value: 'playing' })],
    components: [
      new ActionRowBuilder().addComponents(button('pause', 'Pause'), button('slow', 'Slowly')),
      new ActionRowBuilder().addComponents(menu),
    ],
  };
}

function question() {
  const title = new TextInputBuilder().setCustomId('title').setLabel('Which song').setStyle(TextInputStyle.Short);
  return new ModalBuilder()
    .setCustomId('request')
    .setTitle('Ask for a song')
    .addComponents(new ActionRowBuilder().addComponents(title));
}

const HANDLERS = {
  now: (interaction) => interaction.reply({ content: 'at once', flags: MessageFlags.Ephemeral }),
  async later(interaction) {
    await interaction.deferReply();
    const friend = interaction.options.getUser('friend');
    await interaction.editReply(`hello ${friend?.username ?? 'everybody'}`);
    for (let time = 1; time <= interaction.options.getInteger('times'); time += 1) {
      await interaction.followUp(`once more (${time})`);
    }
    const shown = await interaction.fetchReply();
    tell('reply', { content: shown.content, id: shown.id });
  },
  song: (interaction) => interaction.reply(`picked ${interaction.options.getString('title')}`),
  async panel(interaction) {
    const answer = await interaction.reply({ ...panel(), withResponse: true });
    tell('panel', { message: answer.resource.message.id });
  },
  ask: (interaction) => interaction.showModal(question()),
  async file(interaction) {
    await interaction.deferReply();
    const given = interaction.options.getAttachment('sound');
    const data = Buffer.from(await (await fetch(given.url)).arrayBuffer());
    const sum = createHash('sha256').update(data).digest('hex');
    tell('file', { name: given.name, size: given.size, sum });
    await interaction.editReply({ files: [new AttachmentBuilder(data, { name: 'back.bin' })] });
  },
  pause: (interaction) => interaction.update({ content: 'paused', components: [] }),
  async slow(interaction) {
    await interaction.deferUpdate();
    await interaction.editReply({ content: 'slowly done' });
  },
  choose: (interaction) => interaction.update({ content: `chosen: ${interaction.values.join(', ')}` }),
  request: (interaction) => interaction.reply(`asked for ${interaction.fields.getTextInputValue('title')}`),
};

async function handle(interaction) {
  if (interaction.isAutocomplete()) {
    const typed = interaction.options.getFocused().toLowerCase();
    const fitting = SONGS.filter((title) => title.toLowerCase().startsWith(typed));
    await interaction.respond(fitting.map((title) => ({ name: title, value: title })));
    return;
  }
  await HANDLERS[interaction.commandName ?? interaction.customId](interaction);
}

client.on(Events.InteractionCreate, (interaction) => {
  handle(interaction).catch((error) => tell('error', { error: error.stack }));
});
client.on(Events.MessageCreate, (message) => {
  if (message.author.id !== client.user.id) tell('message', { id: message.id, author: message.author.username });
});
client.on(Events.VoiceStateUpdate, (before, after) => {
  tell('voice', { member: after.id, from: before.channelId, to: after.channelId });
});
client.rest.on('response', ({ method, path }, { status }) => {
  if (status >= 400) tell('refused', { method, path, status });
});
client.rest.on('rateLimited', ({ global, limit, timeToReset, scope, method }) =>
  tell('rate-limited', { global, limit, timeToReset, scope, method }),
);

obey(
  {
    register: async () => (await client.application.commands.set(COMMANDS)).map((command) => command.name),
    registered: async () => (await client.application.commands.fetch()).map((command) => command.name),
    async send({ channel, contents }) {
      const target = await client.channels.fetch(channel);
      const sent = await Promise.all(contents.map((content) => target.send(content)));
      return sent.map((message) => message.id);
    },
    async edit({ channel, message, content }) {
      const target = await client.channels.fetch(channel);
      return (await (await target.messages.fetch(message)).edit(content)).content;
    },
    async remove({ channel, message }) {
      const target = await client.channels.fetch(channel);
      await target.messages.delete(message);
    },
    async cached({ guild }) {
      const known = client.guilds.cache.get(guild);
      return {
        name: known.name,
        channels: known.channels.cache.map((channel) => channel.name),
        me: known.members.me.id,
        mayConnect: known.channels.cache
          .filter((channel) => channel.isVoiceBased())
          .every((channel) => channel.permissionsFor(known.members.me).has('Connect')),
      };
    },
  },
  () => client.destroy(),
);
await login(client);
