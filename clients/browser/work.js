// Proof of work: what the service asks for while very many submit (docs/intake.md). Done by Workers,
// one a core but for one, so that the page stays at hand.

const MOST_PUZZLES = 64;
const MOST_TRIES = 2e9; // half an hour of a phone: whoever asks for more is not to be served
const puzzler = spawner(puzzleWorker);

/** Whether the service asks for something that can be done within reason. */
function isFeasible({ challenge, puzzles, target } = {}) {
  const counted = Number.isInteger(puzzles) && puzzles >= 1 && puzzles <= MOST_PUZZLES;
  return /^[\x20-\x7e]+$/.test(challenge) && counted && (puzzles * 2 ** 32) / target <= MOST_TRIES;
}

/** The value of the header `Unseen-Work`; `tell` is given the share of the expected tries, 0 to 1. */
function prove({ challenge, puzzles, target }, key, tell) {
  const counters = [];
  const all = Array.from({ length: puzzles }, (_, i) => i);
  const crew = Math.min(puzzles, Math.max(1, (navigator.hardwareConcurrency ?? 2) - 1));
  const workers = Array.from({ length: crew }, puzzler);
  let [tried, open] = [0, puzzles];
  const solved = new Promise((resolve, reject) => {
    for (const worker of workers) {
      worker.onerror = () => reject(new Trouble("internal"));
      worker.onmessage = ({ data: { puzzle, counter, tries } }) => {
        tell(Math.min(1, ((tried += tries) * target) / (puzzles * 2 ** 32)));
        if (puzzle === undefined) return;
        counters[puzzle] = counter;
        if (--open === 0) resolve(`${challenge}:${counters.join()}`);
      };
    }
  });
  workers.forEach((worker, i) => worker.postMessage(
    { prefix: `${challenge}:${key}`, puzzles: all.filter((n) => n % crew === i), target }));
  return solved.finally(() => workers.forEach((worker) => worker.terminate()));
}
