// The session: signing in, signing out, and the end after a time without input.

const IDLE_MINUTES = 15;
const END_REASONS = {
  "#idle": `You were signed out after ${IDLE_MINUTES} minutes of inactivity.`,
  "#revoked": "You were signed out because your key is no longer active.",
};

let idleTimer = 0;

async function signIn(event) {
  event.preventDefault();
  const typed = { key: $("key").value.trim(), reason: $("reason").value.trim() };
  if (/[^\x21-\x7e]/.test(typed.key)) {
    return showError("This is not a key. Keys contain only letters, digits, hyphens and underscores.");
  }
  session = typed;
  const isAccepted = await attempt(tryKey, $("submit-sign-in"));
  if (!isAccepted) {
    session = null;
    return undefined;
  }
  $("sign-in-form").reset();
  forgetMadeKey();
  $("session-reason").textContent = `Reason: ${session.reason}`;
  for (const id of ["session-reason", "sign-out", "panels"]) $(id).hidden = false;
  restartIdleTimer();
  return showPanel("overview");
}

/** Check that the key opens this page; if it is new, activate it and throw what is missing. */
async function tryKey() {
  try {
    return await fetchOverdue();
  } catch (error) {
    if (error.slug !== "key-inactive") throw error;
  }
  const own = await activateKey();
  const holder = `Your key is registered for ${own.platform} (${own.scopes.join(", ")})`;
  throw new ApiError("form", own.status === "in-force"
    ? `${holder} and active now. Sign in again.`
    : `${holder}. It becomes active when an admin approves it: read them the fingerprint ${own.fingerprint}. The first two admins need nobody, only both keys.`);
}

/** Reload the page, which forgets the key, the reason and everything that was read; `endReason`, a key
 *  of END_REASONS without its #, is shown afterwards. */
function signOut(endReason = "") {
  if (!session) return;
  session = null;
  history.replaceState(null, "", endReason ? `#${endReason}` : location.pathname);
  location.reload();
}

function restartIdleTimer() {
  clearTimeout(idleTimer);
  if (session) idleTimer = setTimeout(() => signOut("idle"), IDLE_MINUTES * 60_000);
}

$("idle-minutes").textContent = IDLE_MINUTES;
$("sign-in-form").onsubmit = signIn;
$("sign-out").onclick = () => signOut();
for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, restartIdleTimer);
showError(END_REASONS[location.hash]);
history.replaceState(null, "", location.pathname);
$("key").focus();
