// Checks a request's receipt here, in the browser, as headrace verify does: nothing of what it finds comes from the server but the proof.
"use strict";

(() => {
  const section = document.getElementById("check");
  if (!section) return;
  const steps = document.getElementById("steps");
  const verdict = document.getElementById("verdict");
  const form = document.getElementById("hold");
  const pinned = document.getElementById("pinned").textContent.trim();
  const subtle = window.crypto?.subtle;

  class Broken extends Error {}
  class Unchecked extends Error {}
  const demand = (so, why) => {
    if (!so) throw new Broken(why);
  };

  // -- bytes

  const utf8 = (text) => {
    demand(text.isWellFormed?.() ?? true, "a text holds half of a surrogate pair");
    return new TextEncoder().encode(text);
  };
  const join = (...parts) => {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  const sha256 = async (...parts) => new Uint8Array(await subtle.digest("SHA-256", join(...parts)));
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  const same = (a, b) => a.length === b.length && a.every((byte, n) => byte === b[n]);
  const unbase64 = (text, what) => {
    let raw;
    try {
      raw = atob(text);
    } catch {
      throw new Broken(`${what} is not base64`);
    }
    demand(btoa(raw) === text, `${what} is not in canonical base64`); // no other spelling of the same bytes passes
    return Uint8Array.from(raw, (character) => character.charCodeAt(0));
  };
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const short = (text) => `${text.slice(0, 12)}…`;
  const count = (n, thing) => `${n.toLocaleString("en")} ${thing}${n === 1 ? "" : "s"}`;

  // -- what a proof is made of: RFC 6962 and 9162, C2SP signed-note and tlog-checkpoint

  const leafHash = (record) => sha256(Uint8Array.of(0), utf8(record));
  const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

  const rootOf = async (leaf, index, size, path) => {
    demand(Number.isSafeInteger(index) && Number.isSafeInteger(size) && index >= 0 && index < size, "the leaf is not in a tree of that size");
    let [first, last, root] = [BigInt(index), BigInt(size - 1), leaf];
    for (const step of path) {
      demand(last !== 0n, "the path is longer than the tree is high");
      if (first & 1n || first === last) {
        root = await nodeHash(step, root);
        while (!(first & 1n) && first) [first, last] = [first >> 1n, last >> 1n];
      } else {
        root = await nodeHash(root, step);
      }
      [first, last] = [first >> 1n, last >> 1n];
    }
    demand(last === 0n, "the path is shorter than the tree is high");
    return root;
  };

  const readKey = async (text) => {
    const found = /^([^+\s]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/.exec(text.trim());
    demand(found, "the key is not of the form name+id+base64");
    const material = unbase64(found[3], "the key");
    demand(material.length === 33 && material[0] === 1, "the key is not an Ed25519 key");
    const id = (await sha256(utf8(`${found[1]}\n`), material)).slice(0, 4);
    demand(hex(id) === found[2], `the key's id is ${found[2]}, and its name and bytes give ${hex(id)}`);
    let key = null;
    try {
      key = await subtle.importKey("raw", material.slice(1), { name: "Ed25519" }, false, ["verify"]);
    } catch (error) {
      if (error.name !== "NotSupportedError") throw new Broken("the key is not an Ed25519 key");
    }
    return { name: found[1], id, text: text.trim(), key };
  };

  const signed = async (key, signature, message) => {
    if (!key.key) throw new Unchecked("this browser has no Ed25519, so it cannot check a signature; headrace verify can");
    return subtle.verify({ name: "Ed25519" }, key.key, signature, message);
  };

  const textOf = (note) => {
    const end = note.lastIndexOf("\n\n");
    demand(end >= 0, "it is not a signed note");
    return note.slice(0, end + 1);
  };

  const openNote = async (note, keys) => {
    const text = textOf(note);
    const tail = note.slice(text.length + 1);
    demand(tail.endsWith("\n") && !/[\x00-\x09\x0b-\x1f]/.test(note), "it is not a signed note");
    const signers = [];
    for (const line of tail.slice(0, -1).split("\n")) {
      const found = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/.exec(line);
      demand(found, "a signature line is malformed");
      if (!keys.some((key) => key.name === found[1])) continue;
      const bytes = unbase64(found[2], "a signature");
      const key = keys.find((each) => each.name === found[1] && same(each.id, bytes.slice(0, 4)));
      if (!key) continue;
      demand(await signed(key, bytes.slice(4), utf8(text)), "its signature does not hold");
      signers.push(key);
    }
    demand(signers.length, "no signature of a key that is trusted stands under it");
    return { text, signers };
  };

  const readCheckpoint = (text) => {
    const lines = text.split("\n");
    const whole = lines.length >= 4 && lines.at(-1) === "" && lines.slice(0, -1).every(Boolean) && /^(0|[1-9][0-9]{0,15})$/.test(lines[1]);
    demand(whole, "it is not a checkpoint");
    return { origin: lines[0], size: Number(lines[1]), root: unbase64(lines[2], "its root hash") };
  };

  // -- the steps, each by its name; every one says what it compared

  const textStep = async (bundle, held) => {
    const record = JSON.parse(bundle.record);
    const committed = record.commitments ?? {};
    const said = [];
    for (const name of ["prompt", "answer"]) {
      if (held[name] === undefined) continue;
      const word = name === "prompt" ? "question" : "answer";
      demand(/^[0-9a-f]{64}$/.test(held.salts?.[name] ?? ""), `the ${word}'s salt is not 32 bytes in hexadecimal`);
      const found = `sha256:${hex(await sha256(unhex(held.salts[name]), utf8(held[name])))}`;
      demand(committed[name] !== undefined, `the record commits to no ${word}`);
      demand(found === committed[name], `this ${word} with this salt gives ${short(found.slice(7))}, and the record commits to ${short(committed[name].slice(7))}`);
      said.push(`SHA-256 over the ${word}'s salt and text is ${short(found.slice(7))}, as the record commits`);
    }
    if (said.length) return said.join("; ");
    if (!Object.keys(committed).length) return "the record commits to no text: nothing was answered";
    throw new Unchecked("no text is held here: put it below to compare it");
  };

  const recordStep = async (bundle) => {
    const leaf = hex(await leafHash(bundle.record));
    demand(leaf === bundle.receipt.leaf, `the record hashes to ${short(leaf)}, and the receipt's leaf is ${short(bundle.receipt.leaf)}`);
    demand(JSON.parse(bundle.record).request === section.dataset.request, "it is the record of another request");
    demand(leaf === section.dataset.leaf, "it is another record than the one that this page was made from: load the page again");
    return `SHA-256 over 0x00 and the record's ${count(utf8(bundle.record).length, "byte")} is ${short(leaf)}: the receipt's leaf, and the one that this page was made from`;
  };

  // Changes of the log's key, by records in the log itself under which both keys have signed: the keys, and what each may sign.
  const reigns = async (bundle, pin) => {
    const shown = [...(bundle.succession ?? [])].sort((a, b) => a.index - b.index);
    const chain = [];
    for (const each of shown) {
      const record = JSON.parse(each.record);
      demand(record.kind === "act" && record.act === "ledger.rotate_key", "a record that is no succession is shown as one");
      const lines = textOf(record.facts.note).split("\n");
      demand(lines.length === 5 && lines[0] === "headrace/succession/1", "a succession is not of its form");
      const [before, next] = [await readKey(lines[2]), await readKey(lines[3])];
      const { signers } = await openNote(record.facts.note, [before, next]);
      demand(lines[1] === before.name && before.name === next.name, "a succession is not of its form");
      demand(signers.includes(before) && signers.includes(next), "a succession is not signed by both of its keys");
      demand(!chain.length || chain.at(-1).key.text === before.text, "a succession begins with another key than the one before it ended with");
      if (!chain.length) chain.push({ key: before, after: -1, until: each.index });
      else chain.at(-1).until = each.index;
      chain.push({ key: next, after: each.index, until: Infinity });
    }
    if (!chain.length) return [{ key: pin, after: -1, until: Infinity }];
    demand(chain.some((reign) => reign.key.text === pin.text), "the chain of keys holds none that is pinned");
    return chain;
  };

  const successionStep = async (bundle, chain) => {
    const { root, size } = readCheckpoint(textOf(bundle.checkpoint));
    for (const each of bundle.succession) {
      const path = each.hashes.map((hash) => unbase64(hash, "a hash"));
      const found = await rootOf(await leafHash(each.record), each.index, size, path);
      demand(same(found, root), `the succession at record ${each.index} is not in the tree of the checkpoint`);
    }
    return `the log's keys: ${chain.map((reign) => hex(reign.key.id)).join(" → ")}, each signed for by its neighbour, and in the log`;
  };

  const receiptStep = async (bundle, chain) => {
    const { log, sequence, leaf, time_us: time, signature } = bundle.receipt;
    const keys = chain.filter((reign) => reign.key.name === log);
    demand(keys.length, `the receipt is of log ${log}, and the pinned key of ${chain[0].key.name}`);
    const message = utf8(`headrace/receipt/1\n${log}\n${sequence}\n${leaf}\n${time}\n`);
    const bytes = unbase64(signature, "its signature");
    for (const reign of keys) {
      if (!(await signed(reign.key, bytes, message))) continue;
      demand(reign.after < sequence && sequence <= reign.until, `the key ${hex(reign.key.id)} signed it, and record ${sequence} is not its to sign`);
      return `key ${hex(reign.key.id)} has signed log, record number ${sequence.toLocaleString("en")}, leaf and time (Ed25519)`;
    }
    throw new Broken("its signature does not hold");
  };

  const inclusionStep = async (bundle) => {
    const { size, root } = readCheckpoint(textOf(bundle.checkpoint));
    const { index, hashes } = bundle.proof;
    demand(index === bundle.receipt.sequence && bundle.proof.size === size, "the proof is for another leaf or another checkpoint");
    const path = hashes.map((hash) => unbase64(hash, "a hash"));
    const found = await rootOf(unhex(bundle.receipt.leaf), index, size, path);
    demand(same(found, root), `the leaf leads to root ${short(base64(found))}, and the checkpoint's is ${short(base64(root))}`);
    return `leaf ${index.toLocaleString("en")} with ${count(path.length, "hash").replace(/hashs$/, "hashes")} leads to root ${short(base64(found))}: that of the checkpoint over ${count(size, "record")}`;
  };

  const checkpointStep = async (bundle, chain) => {
    const { text, signers } = await openNote(bundle.checkpoint, chain.map((reign) => reign.key));
    const { origin, size } = readCheckpoint(text);
    const by = chain.filter((reign) => signers.includes(reign.key) && reign.key.name === origin);
    demand(by.length, `it is of log ${origin}`);
    demand(by.some((reign) => reign.after < size && size <= reign.until + 1), `the key ${hex(by[0].key.id)} signed it, and a tree of ${size} is not its to sign`);
    return `key ${hex(by[0].key.id)} has signed the log's name, its ${count(size, "record")} and their root (Ed25519)`;
  };

  // -- the page

  const WORDS = { good: "holds", bad: "broken", off: "not checked" };
  const TITLES = { key: "Key", text: "Texts", record: "Record", succession: "Succession", receipt: "Receipt", inclusion: "Inclusion", checkpoint: "Checkpoint" };

  const show = (name, kind, why) => {
    const item = document.createElement("li");
    item.dataset.step = name;
    item.dataset.state = kind;
    const title = document.createElement("b");
    title.textContent = TITLES[name];
    const state = document.createElement("span");
    state.className = `state ${kind}`;
    state.textContent = WORDS[kind];
    const said = document.createElement("p");
    said.textContent = why;
    item.append(title, state, said);
    steps.append(item);
    return kind;
  };

  const step = async (name, check) => {
    try {
      return show(name, "good", await check());
    } catch (error) {
      if (error instanceof Unchecked) return show(name, "off", error.message);
      return show(name, "bad", error instanceof Broken ? error.message : "it cannot be read");
    }
  };

  const conclude = (found) => {
    const broken = Object.keys(found).filter((name) => found[name] === "bad").map((name) => TITLES[name]);
    const open = Object.keys(found).filter((name) => found[name] === "off" && name !== "text").map((name) => TITLES[name]);
    verdict.className = broken.length ? "verdict bad" : open.length ? "verdict" : "verdict good";
    if (broken.length) verdict.textContent = `Do not rely on this record. Broken: ${broken.join(", ")}.`;
    else if (open.length) verdict.textContent = `What could be checked holds. Not checked: ${open.join(", ")}.`;
    else {
      const texts = found.text === "off" ? " Question and answer were not compared: they are not here." : "";
      verdict.textContent = `Every step holds: the log has this record, at this place, and has signed for it.${texts}`;
    }
  };

  let held = {};

  const check = async () => {
    steps.replaceChildren();
    const found = {};
    let bundle;
    try {
      const response = await fetch(section.dataset.bundle, { headers: { accept: "application/json" } });
      if (!response.ok) throw new Error();
      bundle = await response.json();
    } catch {
      verdict.className = "verdict";
      verdict.textContent = "The proof could not be fetched. Load the page again.";
      return;
    }
    let pin = null;
    const given = document.getElementById("own-key").value.trim();
    found.key = await step("key", async () => {
      pin = await readKey(given || pinned);
      return `SHA-256 over its name and bytes begins with ${hex(pin.id)}, its id. It is ${given ? "the key that you put here" : "the one above, as this installation says it"}`;
    });
    found.text = await step("text", () => textStep(bundle, held));
    found.record = await step("record", () => recordStep(bundle));
    let chain = null;
    if (pin && bundle.succession) {
      found.succession = await step("succession", async () => {
        const keys = await reigns(bundle, pin);
        const said = await successionStep(bundle, keys);
        chain = keys;
        return said;
      });
    } else if (pin) chain = [{ key: pin, after: -1, until: Infinity }];
    const trusted = () => {
      if (!chain) throw new Unchecked("no key is there to check it with");
      return chain;
    };
    found.receipt = await step("receipt", async () => receiptStep(bundle, trusted()));
    found.inclusion = await step("inclusion", () => inclusionStep(bundle));
    found.checkpoint = await step("checkpoint", async () => checkpointStep(bundle, trusted()));
    conclude(found);
  };

  // -- texts: a proof file, what was pasted, or the answer that stands open under Ask in another tab

  const pasted = () => {
    const found = { salts: {} };
    for (const name of ["prompt", "answer"]) {
      const box = document.getElementById(`held-${name}`);
      if (!box?.value) continue;
      const shown = box.value;
      found[name] = name === "prompt" && !shown.startsWith("[[") ? JSON.stringify([["user", shown]]) : shown;
      found.salts[name] = document.getElementById(`salt-${name}`).value.trim();
    }
    return found;
  };

  const take = (opening) => {
    const found = { salts: opening.salts ?? {} };
    if (typeof opening.prompt === "string") found.prompt = opening.prompt;
    const answer = opening.text ?? opening.answer;
    if (typeof answer === "string") found.answer = answer;
    return found;
  };

  let running = Promise.resolve();
  const again = () => {
    running = running.then(check);
    return running;
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = document.getElementById("held-file").files[0];
    held = pasted();
    if (file) {
      try {
        held = { ...take(JSON.parse(await file.text())) };
      } catch {
        held = {};
        verdict.className = "verdict bad";
        verdict.textContent = "This file is not a proof: it cannot be read as JSON.";
        return;
      }
    }
    again();
  });

  if (!subtle) {
    verdict.textContent = "Nothing is checked: a browser gives its cryptography only to pages that come encrypted, or from this machine itself. Take the proof, and run headrace verify.";
    form.hidden = false;
    return;
  }
  form.hidden = false;
  verdict.textContent = "Checking…";
  again();

  if (window.BroadcastChannel) {
    const channel = new BroadcastChannel("headrace-openings");
    channel.addEventListener("message", (event) => {
      if (event.data?.opens !== section.dataset.request || held.answer !== undefined || held.prompt !== undefined) return;
      try {
        held = take(JSON.parse(event.data.opening));
        again();
      } catch {
        // what another tab sent is no opening: nothing is held, and the step says so
      }
    });
    channel.postMessage({ asks: section.dataset.request });
  }
})();
