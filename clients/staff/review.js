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
    effect: "The hash is matched again, with its previous status. Feedback and matches so far no longer count against it.",
  },
  keep: {
    name: "Keep",
    done: "Kept",
    effect: "The hash is confirmed and matched again. From now on, only a decision by staff can quarantine it.",
  },
  remove: {
    name: "Remove",
    done: "Removed",
    effect: "The hash is no longer matched, even if someone submits it again, until staff decide otherwise. Platforms are told to delete it, and the person sees that it was not accepted.",
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
  const found = await fetchReviews(reviewState);
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
  ]);
  const decisions = Object.keys(DECISIONS).filter((decision) => decision !== review.decision);
  const buttons = decisions.map((decision) => decisionButton(card, review, decision));
  card.append(el("div", "card-head", "", title, badge), list, el("div", "buttons", "", ...buttons));
  return card;
}

function decisionButton(card, review, decision) {
  const { name } = DECISIONS[decision];
  const button = createButton(name, () => confirmDecision(card, button, review, decision), decision === "remove" ? "danger" : "");
  button.ariaLabel = `${name} ${review.record}`;
  return button;
}

function statusText({ decision, standing }) {
  if (decision === "remove") return "not matched";
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

function confirmDecision(card, opener, review, decision) {
  const { name, done, effect } = DECISIONS[decision];
  const reason = el("textarea");
  Object.assign(reason, { required: true, maxLength: 200, rows: 2, id: `reason-${review.record}` });
  const label = el("label", "", "Reason (recorded in the audit log)");
  label.htmlFor = reason.id;
  confirmInPlace(card, opener, effect, name, async () => {
    await postDecision(review.record, decision, review.decision, reason.value.trim());
    await showReviews();
    announce(done);
    document.querySelector("#review h1").focus();
  }, label, reason);
}
