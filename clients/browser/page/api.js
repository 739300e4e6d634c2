// The requests to the service.

const MAX_CHALLENGES = 3;
const MAX_WAIT_MS = 60e3; // for an answer, and besides for sending
const LEAST_BYTES_PER_MS = 5; // the slowest connection on which a body is sent to its end

/** A request that failed. `slug` is that of the service's problem, or "no-answer"; `detail` is the
 *  service's own text; `work` the proof of work it requires; `places` the paths of the faulty
 *  members in the request's body. */
class ApiError extends Error {
  constructor(slug, { detail = "", work, errors } = {}) {
    super(detail || slug);
    this.slug = slug;
    this.detail = String(detail);
    this.work = work;
    this.places = Array.isArray(errors) ? errors.map(({ at }) => String(at)) : [];
  }
}

/** Send one request and return the JSON of the response; throw ApiError. A connection that a phone has
 *  lost unnoticed would otherwise wait for ever. */
async function request(method, path, headers, body = "") {
  const aborter = new AbortController();
  const limit = setTimeout(() => aborter.abort(), MAX_WAIT_MS + body.length / LEAST_BYTES_PER_MS);
  const how = { method, headers, cache: "no-store", credentials: "omit", signal: aborter.signal };
  let response;
  let answer;
  try {
    response = await fetch(path, body ? { ...how, body } : how);
    answer = await response.json();
  } catch {
    throw new ApiError("no-answer");
  } finally {
    clearTimeout(limit);
  }
  if (response.ok) return answer;
  throw new ApiError(String(answer.type).split(":").pop(), answer);
}

/** Submit a case; do the proof of work if the service requires one. `onProgress` is called with the
 *  progress of that work, 0 to 1. */
async function submitCase({ key, text }, onProgress) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  for (let challenges = 0; ; challenges++) {
    try {
      return await request("POST", "/v1/cases", headers, text);
    } catch (error) {
      const isChallenged = error.slug === "work-required" && challenges < MAX_CHALLENGES;
      if (!isChallenged || !isFeasible(error.work)) throw error;
      headers["Unseen-Work"] = await proveWork(error.work, key, onProgress);
    }
  }
}

const fetchCase = (number, pin) => request("GET", `/v1/cases/${number}`, { "Unseen-Pin": pin });

/** Withdraw one image, or the whole case if `image` is null; return the case as it is then. */
const withdraw = (number, pin, image) =>
  request("DELETE", `/v1/cases/${number}${image ? `/images/${image}` : ""}`, { "Unseen-Pin": pin });
