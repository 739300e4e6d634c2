// The audit log's proofs, computed again: docs/audit.md says how they are made.

const encoder = new TextEncoder();
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const unbase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

/** The first entry that does not fit, and why. */
class Broken extends Error {
  constructor(position, why) {
    super(`Entry ${position} does not fit: ${why}.`);
    this.position = Number.parseInt(position, 10);
  }
}

async function sha256(...parts) {
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** JSON the one way that the chain knows: sorted keys, no spaces. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`);
  return `{${members.join(",")}}`;
}

function contentOf({ position, at, kind, actor, subject, details }) {
  return encoder.encode(canonical({ position, at, kind, actor, subject, details }));
}

const digestAfter = async (before, entry) => hex(await sha256(before, contentOf(entry)));

/** Walks a log from its first entry, and holds a kept checkpoint against it on the way. */
class Walk {
  constructor(kept = null) {
    this.size = 0;
    this.digest = new Uint8Array(32);
    this.peaks = [];
    this.kept = kept;
  }

  /** `content` are the bytes of an entry: its canonical JSON without the digest. */
  async step(entry, content) {
    if (entry.position !== this.size + 1) throw new Broken(this.size + 1, "it is missing");
    this.digest = await sha256(this.digest, content);
    if (hex(this.digest) !== entry.digest) throw new Broken(entry.position, "its content does not give its digest");
    await this.grow(await sha256(new Uint8Array([0]), content));
    if (this.kept?.size === this.size) await this.hold(this.kept, "the checkpoint that you kept");
  }

  /** RFC 9162, section 2.1: one more leaf; peaks of the same height become one. */
  async grow(leaf) {
    let node = leaf;
    for (let bits = this.size; bits & 1; bits = Math.floor(bits / 2)) {
      node = await sha256(new Uint8Array([1]), this.peaks.pop(), node);
    }
    this.peaks.push(node);
    this.size += 1;
  }

  async root() {
    let [root, ...others] = [...this.peaks].reverse();
    for (const peak of others) root = await sha256(new Uint8Array([1]), peak, root);
    return root;
  }

  async hold(checkpoint, name) {
    if (hex(await this.root()) !== hex(checkpoint.root)) {
      throw new Broken(`1 to ${checkpoint.size}, or one of them,`, `the root is not that of ${name}`);
    }
  }
}

/** A checkpoint (C2SP tlog-checkpoint in a signed note), or null. */
function parseCheckpoint(note) {
  const found = /^([^\n]+)\n(\d{1,15})\n([A-Za-z0-9+/]{43}=)\n\n(— [^\n]+\n?)+$/.exec(note.replaceAll("\r", "").trimStart());
  if (!found) return null;
  const text = encoder.encode(`${found[1]}\n${found[2]}\n${found[3]}\n`);
  return { name: found[1], size: Number(found[2]), root: unbase64(found[3]), text, note };
}

/** Whether a checkpoint is signed with a verifier's key; null where this browser cannot tell. */
async function isSigned({ text, note }, verifier) {
  const [, name, , encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifier);
  const line = note.split("\n").find((each) => each.startsWith(`— ${name} `));
  if (!line) return false;
  try {
    const raw = unbase64(encoded).slice(1); // the first byte names the algorithm
    const key = await crypto.subtle.importKey("raw", raw, { name: "Ed25519" }, false, ["verify"]);
    const signature = unbase64(line.split(" ")[2]).slice(4); // the first four name the key
    return await crypto.subtle.verify("Ed25519", key, signature, text);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    throw error;
  }
}

/** The bytes that an entry's digest covers. No string can hold the quotes that are looked for. */
function withoutDigest(line) {
  return encoder.encode(line.replace(/^(.*),"digest":"[0-9a-f]{64}"(?=,"kind":)/s, "$1"));
}

/** The lines of a body, as they come. */
async function* linesOf(body) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    yield* lines;
  }
  if (rest) yield rest;
}

/** Verifies an export; answers its checkpoint, throws Broken. `tell` hears how far it is. */
async function verifyExport(body, kept, tell) {
  const walk = new Walk(kept);
  for await (const line of linesOf(body)) {
    const entry = JSON.parse(line);
    if (entry.checkpoint === undefined) {
      await walk.step(entry, withoutDigest(line));
      if (walk.size % 500 === 0) tell(walk.size);
      continue;
    }
    const checkpoint = parseCheckpoint(entry.checkpoint);
    if (!checkpoint) throw new Broken(walk.size + 1, "the checkpoint behind the last entry cannot be read");
    if (checkpoint.size !== walk.size) throw new Broken(walk.size + 1, `it is missing; ${checkpoint.size} were signed`);
    await walk.hold(checkpoint, "the checkpoint");
    if (kept && kept.size > walk.size) throw new Broken(walk.size + 1, `it is missing; you kept a checkpoint of ${kept.size}`);
    return checkpoint;
  }
  throw new Broken(walk.size + 1, "the export was cut off there");
}
