// The integrity panel: the log's latest digest and checkpoint, and the verification of the whole log.

let currentCheckpoint = ""; // the signed note on the screen

async function showIntegrity() {
  const [page, note] = await Promise.all([fetchLatestEntries({ limit: 1 }), fetchCheckpoint()]);
  currentCheckpoint = note;
  $("checkpoint").textContent = note;
  fillList($("head"), [
    ["Entries", formatNumber(page.head.position)],
    ["Latest digest", code(page.head.digest)],
    ["Checkpoint", `covers ${count(parseCheckpoint(note).size, "entry", "entries")}`],
  ]);
}

async function verifyLog() {
  const result = $("verification");
  result.className = "";
  result.textContent = "";
  const saved = readSavedCheckpoint();
  result.textContent = "Downloading …";
  try {
    const verifierKey = await fetchVerifierKey();
    if (saved && await hasValidSignature(saved, verifierKey) === false) {
      throw new ApiError("form", "The checkpoint you saved is not signed with this service’s key.");
    }
    const checkpoint = await verifyExport(await fetchExport(), saved, (size) => {
      result.textContent = `${formatNumber(size)} entries verified …`;
    });
    const isSigned = await checkSignature(checkpoint, verifierKey);
    await reportSuccess(checkpoint);
    result.textContent = describeSuccess(checkpoint, saved, isSigned);
    result.className = "success";
  } catch (error) {
    result.textContent = "";
    if (error instanceof VerificationError) {
      await postVerification({ fits: false, position: error.position }).catch(() => {});
    }
    throw error;
  }
}

/** Return the checkpoint in the form, or null if the field is empty; throw ApiError if malformed. */
function readSavedCheckpoint() {
  const text = $("saved-checkpoint").value;
  if (!text.trim()) return null;
  const saved = parseCheckpoint(text);
  if (!saved) throw new ApiError("form", "This is not a checkpoint. Paste all of it, including the signature.");
  return saved;
}

/** Return true, or null if this browser cannot check it; throw VerificationError if it is invalid. */
async function checkSignature(checkpoint, verifierKey) {
  const isSigned = await hasValidSignature(checkpoint, verifierKey);
  if (isSigned === false) {
    throw new VerificationError(checkpoint.size, "the checkpoint after it is not signed with the service’s key");
  }
  return isSigned;
}

/** Record the result, and compare the root with that of the log that the service holds. */
async function reportSuccess({ size, root }) {
  const { same_root: isSame } = await postVerification({ fits: true, position: size, root: toHex(root) });
  if (!isSame) throw new ApiError("form", "The export is consistent, but it is not the log that the service holds.");
}

function describeSuccess({ size }, saved, isSigned) {
  const parts = [`${count(size, "entry", "entries")} verified: every digest, and the Merkle root in the checkpoint.`];
  parts.push(isSigned ? "The signature is valid." : "This browser cannot check the signature (Ed25519).");
  if (saved) parts.push(`Everything in your checkpoint of ${count(saved.size, "entry", "entries")} is unchanged.`);
  return parts.join(" ");
}

function saveCheckpoint() {
  download(`checkpoint-${parseCheckpoint(currentCheckpoint).size}.txt`, currentCheckpoint);
}
