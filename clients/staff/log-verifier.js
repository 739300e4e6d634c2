// Recomputes the audit log's hash chain and Merkle tree (docs/audit.md).

/** Verification failed; `position` is that of the first entry that may be wrong. */
class VerificationError extends Error {
  constructor(position, reason, place = `entry ${position}`) {
    super(`Verification failed at ${place}: ${reason}.`);
    this.position = position;
  }
}

/** Return the digest (hex) of an entry that follows the digest `previous`. */
async function chainDigest(previous, { position, at, kind, actor, subject, details }) {
  const content = encoder.encode(canonicalJson({ position, at, kind, actor, subject, details }));
  return toHex(await sha256(previous, content));
}

/** Verifies a log entry by entry, and on the way against a checkpoint saved earlier, if there is one. */
class LogVerifier {
  constructor(savedCheckpoint = null) {
    this.size = 0;
    this.digest = new Uint8Array(32);
    this.peaks = [];
    this.savedCheckpoint = savedCheckpoint;
  }

  /** Verify the next entry. `content` is its canonical JSON without the digest, as bytes. */
  async add(entry, content) {
    if (entry.position !== this.size + 1) throw new VerificationError(this.size + 1, "the entry is missing");
    this.digest = await sha256(this.digest, content);
    if (toHex(this.digest) !== entry.digest) {
      throw new VerificationError(entry.position, "its content does not match its digest");
    }
    await this.addLeaf(await sha256(new Uint8Array([0]), content));
    if (this.savedCheckpoint?.size === this.size) {
      await this.checkRoot(this.savedCheckpoint, "the checkpoint you saved");
    }
  }

  /** Add a leaf to the Merkle tree (RFC 9162, section 2.1): merge peaks of equal height. */
  async addLeaf(leaf) {
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

  async checkRoot(checkpoint, name) {
    if (toHex(await this.root()) === toHex(checkpoint.root)) return;
    throw new VerificationError(1, `their Merkle root is not that of ${name}`, `entries 1 to ${checkpoint.size}`);
  }
}

/** Return the bytes that an exported entry's digest covers. The quotes of the pattern cannot occur
 *  inside a JSON string, where they would be escaped. */
function withoutDigest(line) {
  return encoder.encode(line.replace(/^(.*),"digest":"[0-9a-f]{64}"(?=,"kind":)/s, "$1"));
}

/** Yield the lines of a response body as they arrive. */
async function* readLines(body) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop();
    yield* lines;
  }
  if (rest) yield rest;
}

/** Verify an export and return its checkpoint; throw VerificationError. `onProgress` is called with
 *  the number of verified entries. */
async function verifyExport(body, savedCheckpoint, onProgress) {
  const verifier = new LogVerifier(savedCheckpoint);
  for await (const line of readLines(body)) {
    const entry = JSON.parse(line);
    if (entry.checkpoint === undefined) {
      await verifier.add(entry, withoutDigest(line));
      if (verifier.size % 500 === 0) onProgress(verifier.size);
      continue;
    }
    const checkpoint = parseCheckpoint(entry.checkpoint);
    await checkEnd(verifier, checkpoint);
    return checkpoint;
  }
  throw new VerificationError(verifier.size + 1, "the export ends before this entry");
}

/** Check the log against the checkpoint at its end, and that it is not shorter than a saved one. */
async function checkEnd(verifier, checkpoint) {
  const next = verifier.size + 1;
  if (!checkpoint) throw new VerificationError(next, "the checkpoint after the last entry is malformed");
  if (checkpoint.size !== verifier.size) {
    throw new VerificationError(next, `the entry is missing; the checkpoint covers ${checkpoint.size}`);
  }
  await verifier.checkRoot(checkpoint, "the checkpoint");
  const saved = verifier.savedCheckpoint;
  if (saved && saved.size > verifier.size) {
    throw new VerificationError(next, `the entry is missing; the checkpoint you saved covers ${saved.size}`);
  }
}
