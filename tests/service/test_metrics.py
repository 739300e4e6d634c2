"""/metrics counts what happens, over all workers; the logs hold nothing sensitive."""

import json
import logging
import re
import sys

import httpx
from unseen_service.logs import Lines

from tests.support import Service, flipped, random_pdq, submission


def scraped(service: Service) -> dict[str, float]:
    text = httpx.get(f"{service.url}/metrics").text
    found = re.findall(r"^(unseen\S+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_look_ups_are_counted_by_what_came_of_them(service: Service) -> None:
    pdq = random_pdq(1)
    httpx.post(f"{service.url}/v1/cases", json=submission(pdq)).raise_for_status()
    service.wait_in_step()
    before = scraped(service)
    with service.client("match") as platform:
        asked = [pdq, flipped(pdq, 3), random_pdq(2), random_pdq(3), random_pdq(4)]
        platform.post("/v1/match", json={"hashes": asked})
    after = scraped(service)

    def grown(name: str) -> float:
        return after[name] - before[name]

    assert grown('unseen_look_ups_total{result="hit"}') == 2
    assert grown('unseen_look_ups_total{result="miss"}') == 3
    assert grown("unseen_look_up_seconds_count") == 1
    assert after["unseen_matchable_seconds_count"] >= 1


def test_a_log_line_tells_where_an_exception_was_but_not_what_it_said() -> None:
    try:
        raise ValueError("Key (pdq)=(abcdef) already exists")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "failed", None, sys.exc_info())
    line = json.loads(Lines().format(record))
    assert (line["message"], line["exception"], line["level"]) == ("failed", "ValueError", "error")
    assert "test_metrics.py" in line["frames"][0]
    assert "abcdef" not in json.dumps(line)
