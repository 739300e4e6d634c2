// The replacement of the key that is signed in, by one that its holder makes in this browser.

const NEWS_TAKES_MS = 10_000;

let nextKey = null; // {secret, digest, fingerprint}, until it is in use

async function makeNextKey() {
  nextKey = await createKey();
  fillList($("next-key"), [["Your new key", code(nextKey.secret)], ["Its fingerprint", code(nextKey.fingerprint)]]);
  $("save-next-key").hidden = false;
  $("use-next-key").hidden = false;
  announce("Your new key is made. Save it before you use it.");
}

/** Register the new key, and activate it: that ends the old one at once. Can be repeated. */
async function useNextKey() {
  await rotateOwnKey({ digest: nextKey.digest, overlap_s: 0 });
  const old = session;
  session = { ...old, key: nextKey.secret };
  try {
    await onceKnown(activateKey);
    await onceKnown(fetchOverdue);
  } catch (error) {
    session = old;
    throw error;
  }
  forgetNextKey();
  $("replace-key").open = false;
  await showPanel("overview");
  announce("Your new key is in use. The old one no longer works.");
}

/** Repeat a request with a key that is new: each worker hears of it within a second. */
async function onceKnown(request) {
  const deadline = Date.now() + NEWS_TAKES_MS;
  for (;;) {
    try {
      return await request();
    } catch (error) {
      const isUnknown = error.slug === "not-authenticated" || error.slug === "key-inactive";
      if (!isUnknown || Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Remove the new key from the page. */
function forgetNextKey() {
  nextKey = null;
  $("next-key").replaceChildren();
  $("save-next-key").hidden = true;
  $("use-next-key").hidden = true;
}

$("make-next-key").onclick = () => attempt(makeNextKey, $("make-next-key"));
$("save-next-key").onclick = () => download("unseen.key.new", `${nextKey.secret}\n`);
$("use-next-key").onclick = () => attempt(useNextKey, $("use-next-key"));
