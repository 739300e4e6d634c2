// The review queue: why each hash is in it, and the decisions of staff.

const CAUSES = {
  "over-matching": "Matches many more different uploads than other hashes",
  "not-intimate": "Reported as not intimate",
  "often-found": "Matches much more often than other hashes",
};
const DECISIONS = {
  release: {
    name: "Release",
    done: "Released",
    effect: "The hash is as it was before. Feedback and matches so far no longer count against it.",
  },
  keep: {
    name: "Keep",
    done: "Kept",
    effect: "The hash is confirmed. From now on, neither matches nor feedback make it suspect.",
  },
  remove: {
    name: "Remove",
    done: "Removed",
    effect: "This takes two persons. Once a second one confirms, the hash is no longer matched, even if someone submits it again, until staff decide otherwise. Platforms are told to delete it, and the person sees that it was not accepted.",
  },
};
const FEEDBACK = {
  "not-intimate": "not intimate",
  "not-removed": "not removed",
  "pending-review": "under review",
  removed: "removed",
};

let reviewState = "open";

async function showReviews() {
  const [found, disputes] = await Promise.all([fetchReviews(reviewState), fetchDisputes()]);
  showDisputes(disputes.platforms);
  showOpenCount(found.open);
  const emptyText = reviewState === "open" ? "No open reviews." : "No decisions yet.";
  const cards = found.reviews.length ? found.reviews.map(reviewCard) : [el("li", "soft", emptyText)];
  $("reviews").replaceChildren(...cards);
  announce(found.reviews.length ? count(found.reviews.length, "review") : emptyText);
}

function showOpenCount(open) {
  $("open-count").textContent = open || "";
  $("open-count").hidden = !open;
}

function reviewCard(review) {
  const card = el("li", "card");
  const title = el("h2", "", CAUSES[review.cause]);
  const badge = el("span", review.standing === "quarantined" ? "badge off" : "badge", statusText(review));
  const list = el("dl", "facts");
  fillList(list, [
    ["Record", code(review.record)],
    ["Opened", time(review.opened_at)],
    ["Submitted images", formatNumber(review.images)],
    ["Platform feedback", feedbackText(review.opinions)],
    ...evidenceFacts(review.evidence),
    ...(review.decision ? decisionFacts(review) : []),
    ...(review.proposal ? proposalFacts(review.proposal) : []),
  ]);
  const decisions = Object.keys(DECISIONS).filter((decision) => decision !== review.decision);
  const buttons = decisions.map((decision) => decisionButton(card, review, decision));
  card.append(el("div", "card-head", "", title, badge), list, el("div", "buttons", "", ...buttons));
  return card;
}

function decisionButton(card, review, decision) {
  const { name } = DECISIONS[decision];
  const button = createButton(name, () => confirmDecision(card, button, review, decision), decision === "remove" ? "danger" : "");
  button.setAttribute("aria-label", `${name} ${review.record}`);
  return button;
}

function statusText({ decision, standing, suspect }) {
  if (decision === "remove") return "not matched";
  if (suspect) return "matched (suspect)";
  return standing === "quarantined" ? standing : `matched (${standing})`;
}

function feedbackText(opinions) {
  const parts = Object.entries(opinions).map(([value, platforms]) => `${FEEDBACK[value]}: ${platforms.join(", ")}`);
  return parts.join("; ") || "none";
}

/** Return the counts of the 24 hours in which the hash stood out, and what is usual for others. */
function evidenceFacts(evidence) {
  if (evidence.uploads === undefined) return [];
  return [
    ["Matches in 24 hours", `${formatNumber(evidence.finds)} on ${count(evidence.platforms, "platform")}`],
    ["Different uploads", `${formatNumber(evidence.uploads)} (${formatNumber(evidence.shared)} without the top platform)`],
    ["99th percentile of other hashes", `${count(evidence.usual_uploads, "different upload")}; ${count(evidence.usual_finds, "match", "matches")}`],
  ];
}

function decisionFacts({ decision, decided_at: at, decided_by: by, why }) {
  return [["Decision", DECISIONS[decision].done], ["Decided by", el("span", "", `${by}, `, time(at))], ["Reason", why]];
}

function proposalFacts({ decision, by, at, why }) {
  return [
    ["Proposed", `${DECISIONS[decision].name}: it waits for a second person to decide the same`],
    ["Proposed by", el("span", "", `${by}, `, time(at))],
    ["Reason for it", why],
  ];
}

function confirmDecision(card, opener, review, decision) {
  const { name, done, effect } = DECISIONS[decision];
  const reason = reasonField(review.record);
  confirmInPlace(card, opener, effect, name, async () => {
    const { final } = await postDecision(review.record, decision, review.decision, reasonIn(reason));
    await showReviews();
    announce(final ? done : "Proposed. Nothing changes until a second person decides the same.");
    document.querySelector("#review h1").focus();
  }, ...reason);
}

/** Return a label and a field for the reason of a decision; `id` tells it from others. */
function reasonField(id) {
  const reason = el("textarea");
  Object.assign(reason, { required: true, maxLength: 200, rows: 2, id: `reason-${id}` });
  const label = el("label", "", "Reason (recorded in the audit log)");
  label.htmlFor = reason.id;
  return [label, reason];
}

const reasonIn = ([, field]) => field.value.trim();
