// The tables of the cluster. Rows are kept by their name, so that a focused button stays focused.

import { $, age, element, icon, keyed, mark, minutes, say } from "./dom.js";

const cells = (...classes) => classes.map((name) => element("td", { class: name }));
const line = (...classes) => element("tr", {}, element("th", { scope: "row" }), ...cells(...classes));

/** A state with its dot: the shape tells as much as the colour. */
export function state(cell, look, words) {
  if (!cell.firstChild) cell.append(element("span", { class: "state" }, element("span", { "aria-hidden": "true" }), element("span")));
  const box = cell.firstChild;
  mark(box, "class", `state ${look}`);
  mark(box.firstChild, "class", `dot${{ ok: "", idle: " hollow", warn: " square", bad: " square" }[look]}`);
  say(box.lastChild, words);
}

function empty(box, items, columns, words) {
  if (items.length) { box.querySelector(".empty")?.remove(); return; }
  if (!box.querySelector(".empty")) box.replaceChildren(element("tr", { class: "empty" }, element("td", { colspan: columns }, words)));
}

// ---- shards -----------------------------------------------------------------------------------

export function showShards({ shards }, short, now) {
  empty($("shards"), shards, 4, "No worker has claimed a shard yet.");
  if (!shards.length) return;
  keyed($("shards"), shards, (one) => String(one.shard), () => line("", "number", "number mono dim"), (row, one) => {
    const [name, holder, since, epoch] = row.children;
    say(name, one.shard);
    const held = one.state === "held" && !one.late;
    state(holder, held ? "ok" : "bad", held ? short(one.pod) : one.late ? `${short(one.pod)}, lease ran out` : one.state === "offered" ? `offered to ${short(one.pod)}` : "nobody");
    say(since, one.state === "free" ? "–" : age(now - one.since));
    say(epoch, one.epoch);
  });
}

// ---- nodes ------------------------------------------------------------------------------------

const BUSY = 0.85;
const NODE_LOOKS = { ready: "ok", overloaded: "warn", unknown: "idle", hung: "bad", dead: "bad", misconfigured: "bad" };

export function showNodes({ regions }) {
  const rows = regions.flatMap((one) => [{ key: `region ${one.region}`, region: one }, ...one.nodes.map((node) => ({ key: `node ${node.node}`, node }))]);
  empty($("nodes"), rows, 5, "There is no region in the topology.");
  keyed($("nodes"), rows, (one) => one.key, (one) => (one.region ? regionRow() : line("", "number", "", "number")), (row, one) => (one.region ? fillRegion(row, one.region) : fillNode(row, one.node)));
}

const regionRow = () => element("tr", { class: "region" }, element("th", { scope: "rowgroup", colspan: 5 }, element("b"), " ", element("span")));

function fillRegion(row, region) {
  const [name, about] = row.firstChild.querySelectorAll("b, span");
  say(name, region.region);
  say(about, `${region.players} ${region.players === 1 ? "player" : "players"} on ${region.nodes.length} ${region.nodes.length === 1 ? "node" : "nodes"}`);
}

function fillNode(row, node) {
  const [name, looks, players, load, probe] = row.children;
  say(name, node.node);
  state(looks, NODE_LOOKS[node.state] ?? "idle", node.cordoned ? `${node.state}, cordoned` : node.state);
  say(players, `${node.players}${node.reserved ? ` +${node.reserved}` : ""}${node.capacity ? ` of ${node.capacity}` : ""}`);
  mark(players, "title", node.reserved ? `${node.reserved} promised and not there yet` : null);
  if (!load.firstChild) load.append(element("span", { class: "load" }, element("span", { class: "track", "aria-hidden": "true" }, element("i")), element("span")));
  const [track, words] = load.firstChild.children;
  mark(track, "class", `track ${node.cpu > BUSY ? "warn" : "ok"}`);
  track.firstChild.style.width = `${Math.min(1, node.cpu ?? 0) * 100}%`;
  say(words, node.cpu === null ? "–" : `${Math.round(node.cpu * 100)} %`);
  say(probe, node.probe_ms === null ? "–" : `${node.probe_ms} ms`);
}

// ---- players ----------------------------------------------------------------------------------

const position = (player, now) =>
  Math.min(player.position_ms + (player.paused ? 0 : Math.max(0, now - player.position_at) * player.speed), player.length_ms || Infinity);

export function showPlayers({ players }, names, short, now) {
  empty($("players"), players, 3, "Nothing plays. Ask for a song, and who serves it stands here.");
  if (!players.length) return;
  keyed($("players"), players, (one) => one.guild, () => line("wrap", ""), (row, one) => {
    const [name, song, by] = row.children;
    say(name, names.get(one.guild) ?? one.guild);
    const where = one.title ? `${minutes(position(one, now))}${one.paused ? ", paused" : ""}` : "";
    say(song, one.title ? `${one.title} · ${where}` : "idle in voice");
    say(by, [one.shard, short(one.worker).replace(/^worker-/, "") || "nobody", one.node || null].filter((part) => part !== null).join(" → "));
  });
}

// ---- pods -------------------------------------------------------------------------------------

/** `act(pod, action)` kills, stops or wakes. Pods of the outside world have no buttons. */
export function showPods(pods, now, act) {
  empty($("pods"), pods, 7, "There are no pods.");
  keyed($("pods"), pods, (one) => one.name, (one) => podRow(one, act), (row, one) => {
    const [name, looks, restarts, old, cpu, memory, buttons] = row.children;
    say(name, one.short);
    mark(name, "title", one.name);
    const [look, words] = podState(one);
    state(looks, look, words);
    mark(looks, "title", one.message || null);
    say(restarts, one.restarts);
    say(old, age(now - one.started_at));
    say(cpu, one.cpu === null ? "–" : `${Math.round(one.cpu * 100)} %`);
    say(memory, one.rss_mib === null ? "–" : one.rss_mib);
    const pause = buttons.querySelector(".pause");
    if (pause) named(pause, one.stopped ? "wake" : "stop", one);
  });
}

function podState(one) {
  if (one.stopped) return ["bad", "stopped"];
  if (!one.ready) return ["bad", one.phase === "Running" ? "not ready" : one.phase.toLowerCase()];
  if (one.shards.length) return ["ok", one.shards.length === 1 ? `shard ${one.shards[0]}` : `shards ${one.shards.join(", ")}`];
  if (one.spare) return ["idle", "spare"];
  return ["ok", "ready"];
}

function podRow(one, act) {
  const row = line("", "number", "number", "number dim", "number dim mib", "do");
  row.dataset.pod = one.name;
  if (one.role === "outside") return row;
  const pause = element("button", { type: "button", class: "pause", onclick: () => act(one.name, pause.dataset.action) }, icon("stop"));
  const kill = element("button", { type: "button", class: "kill", onclick: () => act(one.name, "kill") }, icon("kill"));
  named(kill, "kill", one);
  row.lastChild.append(element("div", {}, pause, kill));
  return row;
}

const TOLD = { kill: "Kill", stop: "Stop", wake: "Wake" };
const EXPLAINED = { kill: "end it at once (SIGKILL)", stop: "halt it (SIGSTOP)", wake: "let it go on (SIGCONT)" };

function named(button, action, one) {
  if (button.dataset.action === action) return;
  button.dataset.action = action;
  mark(button, "aria-label", `${TOLD[action]} ${one.short}`);
  mark(button, "title", `${TOLD[action]} ${one.short}: ${EXPLAINED[action]}`);
  button.firstChild.className = `icon-${action}`;
}
