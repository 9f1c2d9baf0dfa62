// What Discord's client proposes while one types a slash command. Pure: text and commands in, items out.

const SUB_COMMAND_GROUP = 2, BOOLEAN = 5, ATTACHMENT = 11;
const NOTHING = { kind: "none", items: [] };

/**
 * What fits `text`, as {title, about, usage, text}. `kind`: "command", "option", "hint" or "none".
 * `asks` is there when the bot itself completes the option that is typed: {option, before}, where
 * `before` is the text that stays in front of what it proposes. An item with `file` asks for a file.
 */
export function propose(text, commands) {
  if (!text.startsWith("/")) return NOTHING;
  const words = text.slice(1).split(" ");
  let level = commands, path = "";
  for (;;) {
    const word = words.shift();
    if (!words.length) return { kind: "command", items: named(level, path, word) };
    const node = level.find((one) => one.name === word);
    path = path ? `${path} ${word}` : `/${word}`;
    if (!node?.options?.length) return NOTHING;
    if (!node.options.some((one) => one.type <= SUB_COMMAND_GROUP)) return options(path, node.options, words.join(" "));
    level = node.options;
  }
}

function named(level, path, word) {
  const fitting = level.filter((one) => one.name.startsWith(word.toLowerCase()));
  return fitting.map((one) => {
    const title = path ? `${path} ${one.name}` : `/${one.name}`;
    return { title, about: one.description, usage: usage(one), text: `${title}${one.options?.length ? " " : ""}` };
  });
}

function options(path, all, rest) {
  const typed = all.filter((one) => one.type !== ATTACHMENT);
  const marks = [...rest.matchAll(/(^|\s)([\w-]+):/g)].filter((mark) => typed.some((one) => one.name === mark[2]));
  const last = marks.at(-1), current = last && typed.find((one) => one.name === last[2]);
  if (current) {
    const from = last.index + last[0].length;
    const found = values(current, `${path} ${rest.slice(0, from)}`, rest.slice(from).trim());
    if (found) return found;
  } else if (rest.trim() && typed.length) {
    return unnamed(path, all, typed[0], rest.trim());
  }
  if (current && !/\s$/.test(rest)) return NOTHING;
  const used = new Set(marks.map((mark) => mark[2]));
  return { kind: "option", items: all.filter((one) => !used.has(one.name)).map((one) => item(one, path, rest)) };
}

/** Words without an option's name belong to the first one that is typed. */
function unnamed(path, all, first, words) {
  const begun = all.filter((one) => one.name.startsWith(words.toLowerCase()));
  if (begun.length) return { kind: "option", items: begun.map((one) => item(one, path, "")), asks: asks(first, `${path} ${first.name}:`) };
  return values(first, `${path} ${first.name}:`, words) ?? { kind: "hint", items: [described(first)] };
}

/** The choices of an option; nothing if what is typed is one of them already, or it is free text. */
function values(option, before, typed) {
  const wanted = typed.toLowerCase();
  const choices = option.choices?.length ? option.choices.map((one) => String(one.name)) : option.type === BOOLEAN ? ["yes", "no"] : [];
  const fitting = choices.filter((one) => one.toLowerCase().startsWith(wanted));
  const done = fitting.length === 1 && fitting[0].toLowerCase() === wanted;
  if (fitting.length && !done) return { kind: "option", items: fitting.map((one) => ({ title: one, about: "", usage: "", text: `${before}${one} ` })) };
  if (option.autocomplete) return { kind: "hint", items: typed ? [] : [described(option)], asks: asks(option, before) };
  return typed ? null : { kind: "hint", items: [described(option)] };
}

const asks = (option, before) => (option.autocomplete ? { option: option.name, before } : undefined);

function item(option, path, rest) {
  if (option.type === ATTACHMENT) return { ...described(option), file: option.name };
  return { ...described(option), text: `${path} ${rest.trimStart()}${option.name}:` };
}

function described(option) {
  const range = [option.min_value, option.max_value].every((one) => one !== undefined && one !== null) ? ` (${option.min_value} to ${option.max_value})` : "";
  return { title: option.name, about: `${option.description}${range}`, usage: option.required ? "" : "optional", text: null };
}

const usage = (command) => (command.options ?? []).filter((one) => one.type > SUB_COMMAND_GROUP).map((one) => (one.required ? one.name : `[${one.name}]`)).join(" ");
