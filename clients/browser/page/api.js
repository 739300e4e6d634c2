// The requests to the service.

const MAX_CHALLENGES = 3;

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

/** Send one request and return the JSON of the response; throw ApiError. */
async function request(method, path, headers, body) {
  let response;
  let answer;
  try {
    response = await fetch(path, { method, headers, body, cache: "no-store", credentials: "omit" });
    answer = await response.json();
  } catch {
    throw new ApiError("no-answer");
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
