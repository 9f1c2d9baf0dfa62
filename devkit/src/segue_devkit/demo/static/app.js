import { Composer } from "./composer.js";
import { $, element } from "./dom.js";
import { Live } from "./live.js";
import { keepTimes } from "./markdown.js";
import { Messages } from "./messages.js";
import { Meter, showPods, showSink, showVoice } from "./panels.js";
import { Player } from "./player.js";

const AWAY = "The demo can't be reached. Is it still running? Trying again …";
const state = { guilds: [], tunes: [], guild: null, live: null, trouble: false, lost: false };

// ---- asking the server ----------------------------------------------------------------------------

async function post(what, body) {
  const words = await sent(`/api/guilds/${state.guild.id}/${what}`, body);
  notice(words);
  return words === "";
}

/** Send; return what went wrong in words, or nothing. */
async function sent(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    if (answer.ok) return "";
    return (await answer.json().catch(() => ({}))).error ?? "That did not work.";
  } catch {
    return "That could not be sent: the demo can't be reached.";
  }
}

function notice(words) {
  $("notice").hidden = !words;
  $("notice").textContent = words;
}

function connection() {
  const words = state.lost ? AWAY : state.trouble ? "The simulated Discord does not answer right now. Trying again …" : "";
  if ($("connection").textContent !== words) $("connection").textContent = words;
  document.body.classList.toggle("away", Boolean(words));
}

// ---- servers --------------------------------------------------------------------------------------

function showGuilds() {
  if ($("guilds").children.length !== state.guilds.length) {
    $("guilds").replaceChildren(...state.guilds.map((guild) => element("button", {
      type: "button", title: `${guild.name} (voice in ${guild.region})`, "aria-label": guild.name, "data-guild": guild.id, onclick: () => choose(guild.id),
    }, guild.name.split(" ").map((word) => word[0]).join("").slice(0, 2))));
  }
  for (const button of $("guilds").children) button.setAttribute("aria-current", String(button.dataset.guild === state.guild.id));
}

function choose(id) {
  const guild = state.guilds.find((one) => one.id === id) ?? state.guilds[0];
  state.guild = guild;
  history.replaceState(null, "", `#${guild.id}`);
  document.title = `#${guild.text_channel.name} · ${guild.name} · Segue demo`;
  showGuilds();
  notice("");
  $("channel-name").textContent = guild.text_channel.name;
  $("guild-name").textContent = `${guild.name} · voice in ${guild.region}`;
  $("voice-name").textContent = guild.voice_channel.name;
  messages.clear();
  state.live?.close();
  state.live = new Live(() => address(guild.id), { message: (text) => take(JSON.parse(text)), lost });
  if (player.on) player.tune(guild.id);
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
  return `/api/guilds/${id}/live`;
}

function lost() { state.lost = true; connection(); }

const SHOW = {
  messages: (list) => { messages.show(list); $("welcome").hidden = list.length > 0; },
  voice: showVoice,
  sink: showSink,
  pods: showPods,
  commands: (list) => composer.offerCommands(list),
  trouble: (yes) => { state.trouble = yes; connection(); },
};

function take({ name, data }) {
  if (state.lost) { state.lost = false; connection(); }
  SHOW[name]?.(data);
}

// ---- parts of the page ------------------------------------------------------------------------------

const messages = new Messages($("messages"), (message, customId, values) => post("click", { message: message.id, custom_id: customId, values }));
const composer = new Composer((text) => post("say", { text }));
const meter = new Meter($("meter"));
const player = new Player((level) => meter.take(level), (words) => { $("listen-status").textContent = words; });
window.segueSound = player.stats; // figures of what is heard, for whoever wants to check them

$("voice-toggle").addEventListener("click", () => post("voice", { join: $("voice-toggle").dataset.inside !== "true" }));

$("listen").addEventListener("click", async () => {
  const on = !player.on;
  $("listen").setAttribute("aria-checked", String(on));
  try {
    if (on) { meter.start(); await player.start(state.guild.id); } else { meter.stop(); await player.stop(); }
  } catch (error) {
    $("listen").setAttribute("aria-checked", "false");
    meter.stop();
    $("listen-status").textContent = `This browser can't play the sound: ${error.message}`;
  }
});

async function loadWorld() {
  const answer = await fetch("/api/world");
  if (!answer.ok) throw new Error(answer.statusText);
  const { guilds, tunes } = await answer.json();
  Object.assign(state, { guilds, tunes });
  for (const guild of guilds) for (const [id, name] of Object.entries(guild.names)) messages.names.set(id, name);
}

async function start() {
  try {
    await loadWorld();
  } catch {
    lost();
    setTimeout(start, 2000);
    return;
  }
  $("examples").replaceChildren(...state.tunes.map((tune) =>
    element("button", { type: "button", onclick: () => composer.begin(`/play ${tune}`) }, `/play ${tune}`)));
  choose(location.hash.slice(1));
  // Where there is a keyboard; on a phone it would cover half of the page.
  if (matchMedia("(hover: hover)").matches) composer.input.focus({ preventScroll: true });
}

keepTimes();
start();
