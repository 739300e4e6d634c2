// The review queue: why each hash is in it, and what staff make of it.

const CAUSES = {
  "over-matching": "Finds far more different uploads than others do",
  "not-intimate": "Platforms call it not intimate",
  "often-found": "Found far more often than others",
};
const DECISIONS = {
  release: ["Release", "It is matched again, as it was before. What platforms said so far does not count again.", "Released"],
  keep: ["Keep", "It is confirmed: matched again, and never set aside without you.", "Kept"],
  remove: ["Remove", "It is not matched any more, whoever submits it, until staff decide otherwise. Platforms are told to let go of it; the person sees that it was not accepted.", "Removed"],
};
const SAYS = { "not-intimate": "not intimate", "not-removed": "not removed", "pending-review": "looking at it", removed: "removed a copy" };

let state = "open";

async function showReviews() {
  const found = await readReviews(state);
  showOpenCount(found.open);
  const none = state === "open" ? "Nothing waits for a decision." : "Nothing was decided yet.";
  $("reviews").replaceChildren(...(found.reviews.length ? found.reviews.map(reviewCard) : [el("li", "soft", none)]));
  announce(found.reviews.length ? count(found.reviews.length, "hash", "hashes") : none);
}

function showOpenCount(open) {
  $("open-count").textContent = open || "";
  $("open-count").hidden = !open;
}

function reviewCard(review) {
  const card = el("li", "card");
  const title = el("h2", "", CAUSES[review.cause]);
  const badge = el("span", review.standing === "quarantined" ? "badge off" : "badge", standingOf(review));
  const list = el("dl", "facts");
  facts(list, [
    ["Record", code(review.record)],
    ["In the queue since", time(review.opened_at)],
    ["Shown by", count(review.images, "image")],
    ["Platforms say", opinionsOf(review.opinions)],
    ...evidenceOf(review.evidence),
    ...(review.decision ? decidedFacts(review) : []),
  ]);
  const buttons = Object.keys(DECISIONS).filter((each) => each !== review.decision).map((each) => {
    const made = button(DECISIONS[each][0], () => ask(card, made, review, each), each === "remove" ? "grave" : "");
    made.ariaLabel = `${DECISIONS[each][0]} ${review.record}`;
    return made;
  });
  card.append(el("div", "top", "", title, badge), list, el("div", "buttons", "", ...buttons));
  return card;
}

function standingOf({ decision, standing }) {
  if (decision === "remove") return "not matched";
  if (standing === "quarantined") return "set aside";
  return `matched (${standing})`;
}

function opinionsOf(opinions) {
  const said = Object.entries(opinions).map(([value, platforms]) => `${SAYS[value]}: ${platforms.join(", ")}`);
  return said.join("; ") || "nothing";
}

function evidenceOf(evidence) {
  if (evidence.uploads === undefined) return [];
  const usual = `99 of 100 others: at most ${count(evidence.usual_uploads, "upload")}, ${count(evidence.usual_finds, "find")}`;
  return [
    ["Found in a day", `${count(evidence.finds, "time")} on ${count(evidence.platforms, "platform")}`],
    ["Different uploads", `${count(evidence.uploads, "upload")}, ${evidence.shared.toLocaleString("en")} without the platform that has most`],
    ["Usual in a day", usual],
  ];
}

function decidedFacts({ decision, decided_at: at, decided_by: by, why }) {
  return [["Decision", DECISIONS[decision][2]], ["Decided", el("span", "", `${by}, `, time(at))], ["Reason", why]];
}

function ask(card, opener, review, decision) {
  const [name, about] = DECISIONS[decision];
  const why = el("textarea");
  Object.assign(why, { required: true, maxLength: 200, rows: 2, id: `why-${review.record}` });
  const label = el("label", "", "Reason, for the audit log");
  label.htmlFor = why.id;
  confirmIn(card, opener, about, name, async () => {
    await decide(review.record, decision, review.decision, why.value.trim());
    await showReviews();
    announce(DECISIONS[decision][2]);
    document.querySelector("#review h1").focus();
  }, label, why);
}
