// What platforms dispute, and decisions of staff about many of a platform's disputes at once.

function showDisputes(platforms) {
  const cards = platforms.length ? platforms.map(disputeCard) : [el("li", "soft", "No platform disputes a hash.")];
  $("disputes").replaceChildren(...cards);
}

function disputeCard({ platform, records, counted, since }) {
  const card = el("li", "card");
  const list = el("dl", "facts");
  fillList(list, [
    ["Disputed hashes", formatNumber(records)],
    ["That count for others", formatNumber(counted)],
    ["Since", time(since)],
  ]);
  const buttons = ["release", "keep"].map((decision) => disputesButton(card, platform, decision));
  const title = el("h3", "", platform);
  card.append(el("div", "card-head", "", title), list, el("div", "buttons", "", ...buttons));
  return card;
}

function disputesButton(card, platform, decision) {
  const name = `${DECISIONS[decision].name} all`;
  const button = createButton(name, () => confirmDisputes(card, button, platform, decision));
  button.setAttribute("aria-label", `${name} that ${platform} disputes`);
  return button;
}

function confirmDisputes(card, opener, platform, decision) {
  const reason = reasonField(`disputes-${platform}`);
  const question = `All hashes that ${platform} disputes are matched for it again. ${DECISIONS[decision].effect}`;
  confirmInPlace(card, opener, question, opener.textContent, async () => {
    let total = 0;
    for (let decided = 1; decided; total += decided) {
      ({ decided } = await postDisputesDecision(platform, decision, reasonIn(reason)));
    }
    await showReviews();
    announce(`${count(total, "dispute")} decided`);
    document.querySelector("#review h1").focus();
  }, ...reason);
}
