// Proof of work, which the service requires while very many people submit (docs/intake.md). Workers
// do it, one fewer than there are cores, so that the page stays responsive.

const MAX_PUZZLES = 64;
const MAX_TRIES = 2 ** 28; // minutes on a phone; a challenge that needs more is refused
const startSolver = workerFactory(proofOfWorkWorker);

/** Return whether a challenge is well-formed and within MAX_PUZZLES and MAX_TRIES. */
function isFeasible({ challenge, puzzles, target } = {}) {
  const isCount = Number.isInteger(puzzles) && puzzles >= 1 && puzzles <= MAX_PUZZLES;
  const isTarget = Number.isInteger(target) && target >= 1 && target <= 2 ** 32;
  const isToken = typeof challenge === "string" && /^[\x20-\x7e]{1,200}$/.test(challenge);
  return isToken && isCount && isTarget && (puzzles * 2 ** 32) / target <= MAX_TRIES;
}

/** Solve a challenge; return the value of the header `Unseen-Work`. `onProgress` is called with the
 *  share of the expected tries that is done, 0 to 1. */
function proveWork({ challenge, puzzles, target }, key, onProgress) {
  const counters = [];
  const all = Array.from({ length: puzzles }, (_, i) => i);
  const workerCount = Math.min(puzzles, Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1));
  const workers = Array.from({ length: workerCount }, startSolver);
  let [tried, unsolved] = [0, puzzles];
  const solved = new Promise((resolve, reject) => {
    for (const worker of workers) {
      worker.onerror = () => reject(new ApiError("internal"));
      worker.onmessage = ({ data: { puzzle, counter, tries } }) => {
        onProgress(Math.min(1, ((tried += tries) * target) / (puzzles * 2 ** 32)));
        if (puzzle === undefined) return;
        counters[puzzle] = counter;
        if (--unsolved === 0) resolve(`${challenge}:${counters.join()}`);
      };
    }
  });
  workers.forEach((worker, i) => worker.postMessage(
    { prefix: `${challenge}:${key}`, puzzles: all.filter((n) => n % workerCount === i), target }));
  return solved.finally(() => workers.forEach((worker) => worker.terminate()));
}
