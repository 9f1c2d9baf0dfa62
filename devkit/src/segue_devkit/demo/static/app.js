// Puts the parts together: which server is shown, as whom, and what came from where.

import { Refused, get, post, upload } from "./api.js";
import { keepTheme, keepViews } from "./appearance.js";
import { Cluster } from "./cluster.js";
import { Composer } from "./composer.js";
import { $, element, say } from "./dom.js";
import { Files } from "./files.js";
import { Form } from "./form.js";
import { Gaps } from "./gaps.js";
import { Live } from "./live.js";
import { keepTimes } from "./markdown.js";
import { Messages } from "./messages.js";
import { Meter } from "./meter.js";
import { Player } from "./player.js";
import { showMembers, showSink } from "./voice.js";

const AWAY = "The demo can’t be reached. Is it still running? Trying again …";
const NO_DISCORD = "The simulated Discord does not answer right now. Trying again …";
const NO_REDIS = "Redis does not answer right now: the cluster’s figures are old. Trying again …";
const state = { guilds: [], people: [], guild: null, person: null, live: null, lost: false, trouble: new Map(), members: [] };

// ---- acting -----------------------------------------------------------------------------------

const seat = () => `/api/guilds/${state.guild.id}/as/${state.person.id}`;

/** Do something in the guild shown; true if it was accepted. What the bot opens is shown. */
async function act(what, body) {
  try {
    const { modal } = await post(`${seat()}/${what}`, body);
    notice("");
    if (modal) form.open(modal);
    return true;
  } catch (error) {
    notice(words(error));
    return false;
  }
}

function words(error) {
  if (error instanceof Refused) return error.message;
  throw error;
}

function notice(text) {
  $("notice").hidden = !text;
  $("notice").textContent = text;
}

function connection() {
  const failing = [...state.trouble.values()].flat();
  const text = state.lost ? AWAY : failing.some((one) => one !== "cluster") ? NO_DISCORD : failing.length ? NO_REDIS : "";
  say($("connection"), text);
  document.body.classList.toggle("no-discord", state.lost || text === NO_DISCORD);
  document.body.classList.toggle("no-redis", state.lost || failing.includes("cluster"));
}

// ---- servers and people -------------------------------------------------------------------------

function showGuilds() {
  const initials = (name) => name.split(" ").map((word) => word[0]).join("").slice(0, 2);
  if ($("guilds").children.length !== state.guilds.length) {
    $("guilds").replaceChildren(...state.guilds.map((guild) => element("button", {
      type: "button", title: `${guild.name} (voice in ${guild.region})`, "data-guild": guild.id, onclick: () => choose(guild.id),
    }, element("span", { "aria-hidden": "true" }, initials(guild.name)), element("span", { class: "visually-hidden" }, guild.name), element("span", { class: "playing", hidden: true, title: "music plays" }))));
  }
  for (const button of $("guilds").children) button.setAttribute("aria-current", String(button.dataset.guild === state.guild.id));
}

function showPlaying(view) {
  const playing = new Set((view?.players ?? []).filter((one) => one.title && !one.paused).map((one) => one.guild));
  for (const button of $("guilds").children) button.querySelector(".playing").hidden = !playing.has(button.dataset.guild);
}

function choose(id, personId = state.person?.id) {
  const guild = state.guilds.find((one) => one.id === id) ?? state.guilds[0];
  if (state.guild !== guild) state.members = [];
  state.guild = guild;
  state.person = state.people.find((one) => one.id === personId) ?? state.people[0];
  history.replaceState(null, "", `#${guild.id}`);
  document.title = `#${guild.text_channel.name} · ${guild.name} · Segue demo`;
  showGuilds();
  notice("");
  say($("guild-name"), guild.name);
  say($("guild-region"), `Voice region ${guild.region}`);
  for (const place of ["text-name", "channel-name"]) say($(place), guild.text_channel.name);
  say($("channel-topic"), `${guild.name} · voice in ${guild.region}`);
  say($("voice-name"), guild.voice_channel.name);
  $("person").value = state.person.id;
  showMembers(state.members, state.person.id);
  messages.names = new Map([...state.people.map((one) => [one.id, one.name]), ...[guild.text_channel, guild.voice_channel].map((one) => [one.id, one.name])]);
  messages.clear();
  gaps.clear();
  cluster.look(guild.id, new Map(state.guilds.map((one) => [one.id, one.name])));
  state.trouble.clear();
  state.live?.close();
  state.live = new Live(() => address(guild.id), { message: (text) => take(JSON.parse(text)), lost });
  if (player.on) player.tune(`${seat()}/listen`);
}

/** Look whether the server still has this guild: it may have been started anew. */
async function address(id) {
  if (state.lost) {
    try {
      await loadWorld();
    } catch {
      return null;
    }
    if (!state.guilds.some((one) => one.id === id)) { queueMicrotask(() => choose(state.guilds[0].id)); return null; }
  }
  return `${seat()}/live`;
}

function lost() { state.lost = true; connection(); }

const SHOW = {
  messages: (list) => { messages.show(list); $("welcome").hidden = list.length > 0; },
  voice: (list) => { state.members = list; showMembers(list, state.person.id); },
  sink: (data) => { showSink(data); gaps.take(data); cluster.takeSink(data); },
  commands: (list) => composer.offerCommands(list),
  pods: (list) => cluster.takePods(list),
  cluster: (view) => { if (view) cluster.takeView(view); showPlaying(view); },
  lately: (list) => cluster.takeLately(list),
};

function take({ name, data }) {
  if (state.lost) { state.lost = false; connection(); }
  if (name.startsWith("trouble")) { state.trouble.set(name, data); connection(); } else SHOW[name]?.(data);
}

// ---- parts of the page ------------------------------------------------------------------------------

const messages = new Messages($("messages"), (message, customId, values) => act("click", { message: message.id, custom_id: customId, values }));
const files = new Files(async (file) => (await upload(`${seat()}/files`, file)).file, notice);
const composer = new Composer({
  send: async (text, picks) => {
    const sent = await act("say", { text, picks, files: files.ids });
    if (sent) files.clear();
    return sent;
  },
  complete: (text, signal) => post(`${seat()}/complete`, { text }, signal),
  chooseFile: () => files.choose(),
});
const form = new Form(async (name, values) => {
  const { modal } = await post(`${seat()}/submit`, { form: name, values });
  if (modal) queueMicrotask(() => form.open(modal));
});
const meter = new Meter($("meter"));
const gaps = new Gaps($("gaps"));
const player = new Player((level) => meter.take(level), (text) => say($("listen-status"), text));
const cluster = new Cluster(async (pod, action) => {
  try { await post(`/api/pods/${encodeURIComponent(pod)}`, { action }); return ""; } catch (error) { return words(error); }
});
window.segueSound = player.stats; // figures of what is heard, for whoever wants to check them

$("voice-toggle").addEventListener("click", () => act("voice", { join: $("voice-toggle").dataset.inside !== "true" }));
$("person").addEventListener("change", () => choose(state.guild.id, $("person").value));

$("listen").addEventListener("click", async () => {
  const on = !player.on;
  $("listen").setAttribute("aria-checked", String(on));
  try {
    if (on) { meter.start(); await player.start(`${seat()}/listen`); } else { meter.stop(); await player.stop(); }
  } catch (error) {
    $("listen").setAttribute("aria-checked", "false");
    meter.stop();
    say($("listen-status"), `This browser can’t play the sound: ${error.message}`);
  }
});

async function loadWorld() {
  const { guilds, people, tunes, cluster: there } = await get("/api/world");
  Object.assign(state, { guilds, people });
  $("person").replaceChildren(...people.map((one) => element("option", { value: one.id }, one.name)));
  if (state.person) $("person").value = state.person.id;
  $("examples").replaceChildren(...tunes.map((tune) => element("button", { type: "button", onclick: () => composer.begin(`/play ${tune}`) }, `/play ${tune}`)));
  if (!there) say($("cluster-summary"), "There is no cluster behind this page.");
}

async function start() {
  try {
    await loadWorld();
  } catch {
    lost();
    setTimeout(start, 2000);
    return;
  }
  choose(location.hash.slice(1));
  // Where there is a keyboard; on a phone it would cover half of the page.
  if (matchMedia("(hover: hover)").matches) composer.input.focus({ preventScroll: true });
}

keepTheme(() => { meter.draw(); gaps.draw(); });
keepViews();
keepTimes();
start();
