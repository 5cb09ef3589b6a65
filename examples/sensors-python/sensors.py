"""Sensors that send their readings to Weir over plain HTTP. Python's own library only."""

import gzip
import json
import os
import random
import time
import urllib.error
import urllib.parse
import urllib.request

INGEST = os.environ.get("INGEST_URL", "http://localhost:8000")
QUERY = os.environ.get("QUERY_URL", "http://localhost:8001")
GIVE_UP_AFTER_SECONDS = 60
SENSORS, SITES, EVERY_SECONDS = 50, 4, 10
FROM = 1768294800  # 2026-01-13T09:00:00Z
UNTIL = FROM + 3600


def ask(url, body=None, headers=None):
    """Asks, and asks again while nobody answers or there is too much to do. Ids make that harmless."""
    deadline = time.monotonic() + GIVE_UP_AFTER_SECONDS
    while True:
        try:
            request = urllib.request.Request(url, data=body, headers=headers or {})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in (429, 503) or time.monotonic() > deadline:
                raise SystemExit(f"{url} answered {error.code}: {error.read().decode()}")
            pause = int(error.headers.get("Retry-After", "1"))
        except OSError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{url}: {error}")
            pause = 1
        time.sleep(pause)


def readings():
    """What all sensors measure, oldest first. The seed makes every run send the same."""
    rng = random.Random(7)
    for at in range(FROM, UNTIL, EVERY_SECONDS):
        for sensor in range(SENSORS):
            yield {
                "event_id": f"sensor-{sensor}-{at}",
                "user_id": f"sensor-{sensor}",
                "event_type": "reading",
                "timestamp": at * 1000,
                "payload": {"site": f"site-{sensor % SITES}", "temperature": round(rng.gauss(20 + sensor % SITES, 1), 2)},
            }


def batches(events, size):
    batch = []
    for event in events:
        batch.append(event)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def send(events):
    lines = "".join(json.dumps(event) + "\n" for event in events)
    headers = {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"}
    return ask(f"{INGEST}/ingest?wait=counted", gzip.compress(lines.encode()), headers)["count"]


rule = {
    "rule_id": "temperature_1h",
    "window_size": "1h",
    "metric": "avg",
    "field": "payload.temperature",
    "decimals": 2,
    "filter": 'event_type == "reading"',
    "group_by": ["payload.site"],
}
ask(f"{QUERY}/aggregation-rule", json.dumps(rule).encode(), {"Content-Type": "application/json"})
sent = sum(send(batch) for batch in batches(readings(), 1000))
print(f"{sent} readings accepted")
times = urllib.parse.urlencode({"rule_id": rule["rule_id"], "start_time": FROM * 1000, "end_time": UNTIL * 1000})
for row in ask(f"{QUERY}/stats?{times}")["data"]:
    print(row["window_start"], row["payload.site"], row["value"])
