#!/usr/bin/env bash
# Revenue per country with nothing but curl. Ends with an error as soon as something is refused.
set -euo pipefail
ingest=${INGEST_URL:-http://localhost:8000}
query=${QUERY_URL:-http://localhost:8001}
# Refusals are shown with their reason, and end this script.
weir() { curl --silent --show-error --fail-with-body --header 'content-type: application/json' "$@" && echo; }

weir "$query/aggregation-rule" --data '{
  "rule_id": "curl_revenue_10m", "window_size": "10m", "metric": "sum", "field": "payload.price", "decimals": 2,
  "filter": "event_type == \"order\"", "group_by": ["payload.country"]}'

# With wait=counted the answer comes when the events are in every rule; without, as soon as they are durable.
weir "$ingest/ingest?wait=counted" --data '[
  {"event_id": "curl-1", "user_id": "ann", "event_type": "order", "timestamp": "2026-01-13T10:00:05Z", "payload": {"price": 19.5, "country": "DE"}},
  {"event_id": "curl-2", "user_id": "bob", "event_type": "order", "timestamp": "2026-01-13T10:07:00Z", "payload": {"price": 5, "country": "FR"}},
  {"event_id": "curl-3", "user_id": "ann", "event_type": "order", "timestamp": "2026-01-13T10:09:59Z", "payload": {"price": 0.5, "country": "DE"}}]'

# The same event once more, as after a lost answer. It is accepted, and counted once.
weir "$ingest/ingest?wait=counted" --data '
  {"event_id": "curl-1", "user_id": "ann", "event_type": "order", "timestamp": "2026-01-13T10:00:05Z", "payload": {"price": 19.5, "country": "DE"}}'

weir "$query/stats?rule_id=curl_revenue_10m&start_time=2026-01-13T10:00:00Z&end_time=2026-01-13T11:00:00Z"
