// Keys that their holder makes in this browser: the secret leaves it only as the holder's own copy.

const KEY_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const FINGERPRINT_BITS = 100;

let madeKey = null; // {secret, digest, fingerprint}, until its holder signs in or leaves the page

/** Make a key: its secret, the digest to give to the issuer, and the fingerprint to read aloud. */
async function createKey() {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const base64 = btoa(String.fromCharCode(...random)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const secret = `unseen_${base64}`;
  const digest = toHex(await sha256(encoder.encode(secret)));
  return { secret, digest: `sha256:${digest}`, fingerprint: keyFingerprint(digest) };
}

/** Return the first 100 bits of a digest in hex, as four groups of five characters. */
function keyFingerprint(digest) {
  let bits = BigInt(`0x${digest}`) >> BigInt(256 - FINGERPRINT_BITS);
  let characters = "";
  for (let done = 0; done < FINGERPRINT_BITS; done += 5) {
    characters = KEY_ALPHABET[Number(bits & 31n)] + characters;
    bits >>= 5n;
  }
  return characters.match(/.{5}/g).join("-");
}

async function makeKey() {
  madeKey = await createKey();
  fillList($("made-key"), [
    ["Your key. Keep it as you would a password, and give it to nobody", code(madeKey.secret)],
    ["Digest, for the admin who registers the key", code(madeKey.digest)],
    ["Fingerprint, to read to the admin who approves it", code(madeKey.fingerprint)],
  ]);
  $("save-key").hidden = false;
  announce("Your key is made");
}

/** Remove a key that was made from the page. */
function forgetMadeKey() {
  madeKey = null;
  $("made-key").replaceChildren();
  $("save-key").hidden = true;
}

$("make-key").onclick = () => attempt(makeKey, $("make-key"));
$("save-key").onclick = () => download("unseen.key", `${madeKey.secret}\n`);
