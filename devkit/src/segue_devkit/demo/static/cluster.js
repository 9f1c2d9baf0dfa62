// The cluster beside the chat: kept as it was last told, drawn anew when told and as time passes.

import { $, element, keyed, mark, minutes, say } from "./dom.js";
import { showNodes, showPlayers, showPods, showShards } from "./tables.js";

const TICK_MS = 1000;

export class Cluster {
  /** `act(pod, action)` resolves to words, empty when it was done. */
  constructor(act) {
    this.act = async (pod, action) => say($("pod-words"), await act(pod, action));
    this.pods = []; this.view = null; this.guild = ""; this.names = new Map(); this.heard = null; this.path = "";
    setInterval(() => this.draw(), TICK_MS);
  }

  look(guild, names) { this.guild = guild; this.names = names; this.heard = null; this.path = ""; this.draw(); }

  takePods(pods) { this.pods = pods; this.draw(); }

  takeView(view) { this.view = view; this.draw(); }

  takeSink(data) { this.heard = data; this.drawPath(); }

  takeLately(list) {
    const items = list.length ? list : [{ at: 0, kind: "none", text: "Nothing yet. Kill a pod below, and listen." }];
    keyed($("lately"), items, (one) => `${one.at} ${one.text}`, lately, () => {});
  }

  short(pod) { return this.view && pod.startsWith(`${this.view.name}-`) ? pod.slice(this.view.name.length + 1) : pod; }

  draw() {
    const now = Date.now();
    showPods(this.pods, now, this.act);
    this.summary();
    if (!this.view) return;
    say($("cluster-name"), this.view.name);
    showShards(this.view, (pod) => this.short(pod), now);
    showNodes(this.view);
    showPlayers(this.view, this.names, (pod) => this.short(pod), now);
    this.drawPath();
  }

  summary() {
    if (!this.pods.length) return;
    const ready = this.pods.filter((one) => one.ready && !one.stopped).length;
    const parts = [`${ready}/${this.pods.length} pods ready`];
    if (this.view) {
      const held = this.view.shards.filter((one) => one.state === "held" && !one.late).length;
      parts.push(`${held}/${this.view.num_shards} shards held`);
    }
    say($("cluster-summary"), parts.join(" · "));
  }

  /** Shard, worker, node and ear of the server that is shown; what changes is marked for a moment. */
  drawPath() {
    const player = this.view?.players.find((one) => one.guild === this.guild);
    const song = this.heard?.song;
    const at = song ? this.heard.position_ms : null;
    const steps = [
      ["Shard", "Shard", player ? String(player.shard) : "–"],
      ["Worker", "Worker", player ? this.short(player.worker).replace(/^worker-/, "") || "nobody" : "–"],
      ["Node", "Node", player?.node || "–"],
      ["Heard", at === null ? "Heard" : `Heard ${minutes(at)}`, song ?? (this.heard?.sounding ? "sound" : "nothing")],
    ];
    keyed($("path"), steps, ([name]) => name, () => element("li", {}, element("span"), element("b")), (node, [name, label, words]) => {
      const [above, value] = node.children, before = value.textContent;
      say(above, label);
      say(value, words);
      mark(value, "title", words);
      if (name !== "Heard" && before && before !== "–" && before !== words && this.path === this.guild) blink(node);
    });
    this.path = this.guild;
  }
}

function blink(node) {
  node.classList.remove("changed");
  node.getBoundingClientRect(); // so that the animation begins anew
  node.classList.add("changed");
}

function lately(one) {
  if (one.kind === "none") return element("li", { class: "none" }, one.text);
  const at = new Date(one.at);
  return element("li", { class: one.kind }, element("time", { datetime: at.toISOString() }, at.toLocaleTimeString("en-GB")), element("span", {}, one.text));
}
