// Checkpoints of the audit log: C2SP tlog-checkpoint in a signed note (docs/audit.md).

/** Parse a checkpoint; return null if the text is not one. */
function parseCheckpoint(note) {
  const found = /^([^\n]+)\n(\d{1,15})\n([A-Za-z0-9+/]{43}=)\n\n(— [^\n]+\n?)+$/.exec(note.replaceAll("\r", "").trimStart());
  if (!found) return null;
  const signedText = encoder.encode(`${found[1]}\n${found[2]}\n${found[3]}\n`);
  return { size: Number(found[2]), root: fromBase64(found[3]), signedText, note };
}

/** Check a checkpoint's signature with a verifier key (C2SP signed-note); return null if this browser
 *  does not support Ed25519. */
async function hasValidSignature({ signedText, note }, verifierKey) {
  const [, name, , encoded] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifierKey);
  const line = note.split("\n").find((each) => each.startsWith(`— ${name} `));
  if (!line) return false;
  try {
    const rawKey = fromBase64(encoded).slice(1); // the first byte names the algorithm
    const key = await crypto.subtle.importKey("raw", rawKey, { name: "Ed25519" }, false, ["verify"]);
    const signature = fromBase64(line.split(" ")[2]).slice(4); // the first four bytes name the key
    return await crypto.subtle.verify("Ed25519", key, signature, signedText);
  } catch (error) {
    if (error.name === "NotSupportedError") return null;
    throw error;
  }
}
