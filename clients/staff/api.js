// The requests to the service. The key and the reason are held in this variable and nowhere else.

let session = null; // {key, reason}

/** A request that failed: `slug` is that of the service's problem, or "no-answer" or "form"; the
 *  message is for staff to read. */
class ApiError extends Error {
  constructor(slug, message) {
    super(message);
    this.slug = slug;
  }
}

/** Send one request and return the response; throw ApiError. A decision passes its own `reason`. */
async function send(method, path, { body, reason = session.reason } = {}) {
  const headers = { Authorization: `Bearer ${session.key}`, "Unseen-Reason": encodeURIComponent(reason) };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    const text = body && JSON.stringify(body);
    response = await fetch(path, { method, headers, body: text, cache: "no-store", credentials: "omit" });
  } catch {
    throw new ApiError("no-answer", "The service did not respond. Check your connection and try again.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const slug = String(problem.type).split(":").pop();
  throw new ApiError(slug, String(problem.detail ?? `The service responded with status ${response.status}.`));
}

const fetchJson = async (path) => (await send("GET", path)).json();

const fetchStatistics = (by, count) => fetchJson(`/v1/statistics?by=${by}&count=${count}`);
const fetchReviews = (state) => fetchJson(`/v1/review?state=${state}`);
const fetchDisputes = () => fetchJson("/v1/disputes");
const fetchOverdue = () => fetchJson("/v1/overdue?limit=1000");
const fetchAlerts = () => fetchJson("/v1/alerts?limit=20");
const fetchKeys = () => fetchJson("/v1/keys");
const fetchCheckpoint = async () => (await send("GET", "/v1/audit/checkpoint")).text();
const fetchVerifierKey = async () => (await fetchJson("/v1/audit/verifier")).verifier;
const fetchExport = async () => (await send("GET", "/v1/audit/export")).body;

/** Return a page of the newest entries; empty filters are left out. */
function fetchLatestEntries(filters) {
  const given = Object.entries(filters).filter(([, value]) => value);
  return fetchJson(`/v1/audit/latest?${new URLSearchParams(given)}`);
}

/** Record the result of a verification; `same_root` in the answer compares it with the service's log. */
const postVerification = async (body) => (await send("POST", "/v1/audit/verifications", { body })).json();

async function postDecision(record, decision, insteadOf, reason) {
  const body = { decision, instead_of: insteadOf };
  return (await send("POST", `/v1/review/${record}`, { body, reason })).json();
}

/** Decide up to 1,000 records that a platform disputes; `decided` in the answer is how many. */
async function postDisputesDecision(platform, decision, reason) {
  const body = { platform, decision };
  return (await send("POST", "/v1/disputes/decisions", { body, reason })).json();
}

const approveKey = (id) => send("POST", `/v1/keys/${id}/approve`);
const postKey = async (body) => (await send("POST", "/v1/keys", { body })).json();
const activateKey = async () => (await send("POST", "/v1/keys/self/activate")).json();
const rotateOwnKey = (body) => send("POST", "/v1/keys/self/rotate", { body });
const revokeKey = (id) => send("DELETE", `/v1/keys/${id}`);
