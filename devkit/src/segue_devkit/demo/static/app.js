import { Player } from "./player.js";
import { element, message } from "./render.js";

const $ = (id) => document.getElementById(id);
const state = { world: null, guild: null, source: null, names: new Map(), suggestions: [], chosen: 0, level: 0 };

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const data = await answer.json();
  if (!answer.ok) notice(data.error ?? "That did not work.");
  return answer.ok;
}

function notice(text) {
  $("messages").append(element("li", { class: "message ephemeral", role: "alert" },
    element("div", { class: "avatar person", "aria-hidden": "true" }, "!"), element("div", {}, element("div", { class: "who" }, "Page"), text)));
  scrollDown();
}

const scrollDown = () => { $("messages").scrollTop = $("messages").scrollHeight; };

// ---- servers ---------------------------------------------------------------

function showGuilds() {
  $("guilds").replaceChildren(...state.world.guilds.map((guild) =>
    element("button", { type: "button", title: guild.name, "aria-label": guild.name, "aria-current": String(guild.id === state.guild?.id), onclick: () => choose(guild) },
      guild.name.split(" ").map((word) => word[0]).join("").slice(0, 2))));
}

async function choose(guild) {
  const listening = player.playing;
  if (listening) await player.stop();
  state.guild = guild;
  history.replaceState(null, "", `#${guild.id}`);
  showGuilds();
  $("channel-name").textContent = guild.text_channel.name;
  $("voice-name").textContent = guild.voice_channel.name;
  $("messages").replaceChildren();
  state.source?.close();
  const source = new EventSource(`/api/guilds/${guild.id}/events`);
  state.source = source;
  source.onopen = () => { $("connection").textContent = "connected"; };
  source.onerror = () => { $("connection").textContent = "reconnecting …"; };
  source.addEventListener("messages", ({ data }) => showMessages(JSON.parse(data)));
  source.addEventListener("voice", ({ data }) => showVoice(JSON.parse(data)));
  source.addEventListener("sink", ({ data }) => showSink(JSON.parse(data)));
  if (listening) await listen();
}

// ---- messages: kept by id, so that an edit does not lose focus ---------------

function showMessages(list) {
  const box = $("messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 80;
  const known = new Map([...box.children].filter((node) => node.dataset.message).map((node) => [node.dataset.message, node]));
  const fresh = list.map((data) => {
    const text = JSON.stringify(data);
    const old = known.get(data.id);
    if (old?.dataset.text === text) return old;
    const node = message(data, state.names, (id) => post(`/api/guilds/${state.guild.id}/click`, { message: data.id, custom_id: id }));
    node.dataset.text = text;
    const focused = old?.contains(document.activeElement) ? document.activeElement.dataset.customId : null;
    if (focused) queueMicrotask(() => node.querySelector(`[data-custom-id="${CSS.escape(focused)}"]`)?.focus());
    return node;
  });
  box.replaceChildren(...fresh);
  if (atEnd) scrollDown();
}

// ---- voice -----------------------------------------------------------------

function showVoice(data) {
  $("voice-members").replaceChildren(...(data.members.length ? data.members.map((one) =>
    element("li", { class: one.bot ? "bot" : "" }, `${one.bot ? "♪ " : ""}${one.name}${one.you ? " (you)" : ""}`)) : [element("li", {}, "nobody")]));
  const inside = data.members.some((one) => one.you);
  $("voice-toggle").setAttribute("aria-pressed", String(inside));
  $("voice-toggle").textContent = inside ? "Leave voice" : "Join voice";
}

function showSink(data) {
  const rows = {
    "voice packets": data.packets, "media gaps": `${data.media_gaps} (${Math.round(data.media_gap_ms)} ms)`, "silence frames": data.silence_frames,
    "heard": data.song ? `${data.song} at ${clock(data.position_ms)}` : "nothing right now",
  };
  $("sink").replaceChildren(...Object.entries(rows).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]));
}

const clock = (ms) => `${Math.floor(ms / 60000)}:${String(Math.floor(ms / 1000) % 60).padStart(2, "0")}`;

$("voice-toggle").addEventListener("click", () => {
  const inside = $("voice-toggle").getAttribute("aria-pressed") === "true";
  post(`/api/guilds/${state.guild.id}/voice`, { join: !inside });
});

const player = new Player((level) => { state.level = Math.max(level, state.level * 0.98); }, (text) => { $("listen-status").textContent = text; });

async function listen() {
  await player.start(state.guild.id);
  $("listen").setAttribute("aria-pressed", "true");
  $("listen").textContent = "Stop listening";
}

$("listen").addEventListener("click", async () => {
  if (!player.playing) return listen();
  await player.stop();
  $("listen").setAttribute("aria-pressed", "false");
  $("listen").textContent = "Listen";
});

const levels = new Array(70).fill(0);
function draw() {
  const canvas = $("meter"), context = canvas.getContext("2d");
  levels.push(state.level); levels.shift(); state.level *= 0.9;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(document.body).getPropertyValue("--accent");
  levels.forEach((level, i) => { const h = Math.max(2, level * 46); context.fillRect(i * 4, 24 - h / 2, 3, h); });
  setTimeout(() => requestAnimationFrame(draw), 33);
}
draw();

// ---- commands --------------------------------------------------------------

function suggest() {
  const text = $("composer-input").value;
  const [name, ...rest] = text.slice(1).split(" ");
  state.suggestions = [];
  if (text.startsWith("/") && !rest.length) {
    state.suggestions = state.world.commands.filter((one) => one.name.startsWith(name));
  }
  state.chosen = Math.min(state.chosen, Math.max(0, state.suggestions.length - 1));
  const box = $("suggestions");
  box.hidden = !state.suggestions.length;
  $("composer-input").setAttribute("aria-expanded", String(!box.hidden));
  box.replaceChildren(...state.suggestions.map((one, i) =>
    element("li", { role: "option", id: `suggestion-${i}`, "aria-selected": String(i === state.chosen), onmousedown: (event) => { event.preventDefault(); complete(one); } },
      element("b", {}, `/${one.name}`), element("span", {}, one.description))));
  if (box.hidden) $("composer-input").removeAttribute("aria-activedescendant");
  else {
    $("composer-input").setAttribute("aria-activedescendant", `suggestion-${state.chosen}`);
    box.children[state.chosen]?.scrollIntoView({ block: "nearest" });
  }
}

function complete(command) {
  $("composer-input").value = `/${command.name}${command.options?.length ? " " : ""}`;
  suggest();
  $("composer-input").focus();
}

$("composer-input").addEventListener("input", () => { state.chosen = 0; suggest(); });
$("composer-input").addEventListener("keydown", (event) => {
  const open = !$("suggestions").hidden;
  if (event.key === "Escape" && open) { state.suggestions = []; $("suggestions").hidden = true; }
  else if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    state.chosen = (state.chosen + (event.key === "ArrowDown" ? 1 : -1) + state.suggestions.length) % state.suggestions.length;
    suggest();
  } else if (open && event.key === "Tab") complete(state.suggestions[state.chosen]);
  else return;
  event.preventDefault();
});

$("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const input = $("composer-input");
  const text = input.value.trim();
  if (!text) return;
  if (await post(`/api/guilds/${state.guild.id}/say`, { text })) input.value = "";
  suggest();
});

// ---- the cluster -------------------------------------------------------------

function showPods(pods) {
  $("pods").replaceChildren(...pods.map((pod) => element("tr", { "data-pod": pod.name }, element("td", {}, pod.name), element("td", {}, pod.role),
    element("td", { class: pod.ready ? "ok" : "bad" }, pod.ready ? "ready" : pod.state), element("td", {}, String(pod.restarts)))));
}

async function start() {
  state.world = await (await fetch("/api/world")).json();
  for (const guild of state.world.guilds) for (const [id, name] of Object.entries(guild.names)) state.names.set(id, name);
  await choose(state.world.guilds.find((one) => `#${one.id}` === location.hash) ?? state.world.guilds[0]);
  new EventSource("/api/cluster").addEventListener("pods", ({ data }) => showPods(JSON.parse(data)));
}
start().catch((error) => notice(`The demo does not answer: ${error.message}`));
