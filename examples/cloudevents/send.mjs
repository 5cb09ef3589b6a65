// Parcels on their way, as CloudEvents 1.0 in the three forms in which producers send them.
const ingest = process.env.INGEST_URL ?? "http://localhost:8000";
const query = process.env.QUERY_URL ?? "http://localhost:8001";

/** What a parcel does, as a CloudEvent. */
const parcel = (id, subject, type, time, data) => ({
  specversion: "1.0",
  id,
  source: "/depots/hamburg",
  type: `parcel.${type}`,
  subject,
  time,
  datacontenttype: "application/json",
  data,
});

async function ask(url, body, headers = {}) {
  const init = body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) };
  const response = await fetch(url, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

const rule = { rule_id: "parcels_1h", window_size: "1h", metric: "count", group_by: ["event_type"] };
await ask(
  `${query}/aggregation-rule`,
  { ...rule, filter: 'event_type.startsWith("parcel.")' },
  { "content-type": "application/json" },
);

// One, structured.
const taken = parcel("ce-1", "parcel-17", "taken", "2026-01-13T08:00:00Z", { weight: 1.2 });
await ask(`${ingest}/ingest?wait=counted`, taken, { "content-type": "application/cloudevents+json" });

// A batch. The first one is a repeat: it is counted once.
const batch = [
  taken,
  parcel("ce-2", "parcel-18", "taken", "2026-01-13T08:20:00Z", { weight: 3 }),
  parcel("ce-3", "parcel-17", "delivered", "2026-01-13T09:10:00Z", { signed: true }),
];
await ask(`${ingest}/ingest?wait=counted`, batch, { "content-type": "application/cloudevents-batch+json" });

// Binary mode: the attributes are headers, the body is the data.
await ask(
  `${ingest}/ingest?wait=counted`,
  { signed: false },
  {
    "content-type": "application/json",
    "ce-specversion": "1.0",
    "ce-id": "ce-4",
    "ce-source": "/depots/hamburg",
    "ce-type": "parcel.delivered",
    "ce-subject": "parcel-18",
    "ce-time": "2026-01-13T09:40:00Z",
  },
);

const stats = await ask(
  `${query}/stats?rule_id=parcels_1h&start_time=2026-01-13T00:00:00Z&end_time=2026-01-14T00:00:00Z`,
);
for (const { window_start, event_type, value } of stats.data) console.log(window_start, event_type, value);
