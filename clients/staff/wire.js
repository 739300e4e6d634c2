// The service's calls. Key and reason are held here and nowhere else, until the session ends.

let session = null; // {key, reason}

/** An answer that is not what was asked for: `slug` of the problem, `detail` for a person. */
class Trouble extends Error {
  constructor(slug, detail) {
    super(detail);
    this.slug = slug;
  }
}

/** Sends one call; throws Trouble. `reason` takes the place of the session's. */
async function send(method, path, { body, reason = session.reason } = {}) {
  const headers = { Authorization: `Bearer ${session.key}`, "Unseen-Reason": encodeURIComponent(reason) };
  if (body) headers["Content-Type"] = "application/json";
  let response;
  try {
    const text = body && JSON.stringify(body);
    response = await fetch(path, { method, headers, body: text, cache: "no-store", credentials: "omit" });
  } catch {
    throw new Trouble("no-answer", "The service did not answer. Check the connection, and try again.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  const slug = String(problem.type).split(":").pop();
  throw new Trouble(slug, String(problem.detail ?? `The service answered ${response.status}.`));
}

const read = async (path) => (await send("GET", path)).json();

const readStatistics = (by, count) => read(`/v1/statistics?by=${by}&count=${count}`);
const readReviews = (state) => read(`/v1/review?state=${state}`);
const readOverdue = () => read("/v1/overdue?limit=1000");
const readAlerts = () => read("/v1/alerts?limit=20");
const readKeys = () => read("/v1/keys");
const readCheckpoint = async () => (await send("GET", "/v1/audit/checkpoint")).text();
const readVerifier = async () => (await read("/v1/audit/verifier")).verifier;
const tellVerified = async (body) => (await send("POST", "/v1/audit/verifications", { body })).json();
const readExport = async () => (await send("GET", "/v1/audit/export")).body;

function readLog(asked) {
  const given = Object.entries(asked).filter(([, value]) => value);
  return read(`/v1/audit/latest?${new URLSearchParams(given)}`);
}

async function decide(record, decision, insteadOf, reason) {
  const body = { decision, instead_of: insteadOf };
  return (await send("POST", `/v1/review/${record}`, { body, reason })).json();
}

const approveKey = (id) => send("POST", `/v1/keys/${id}/approve`);
const revokeKey = (id) => send("DELETE", `/v1/keys/${id}`);
