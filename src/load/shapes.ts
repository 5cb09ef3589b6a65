import type { Random } from "./random.ts";

/** What happened, without id and time. */
export interface Happening {
  readonly user_id: string;
  readonly event_type: string;
  readonly payload: Readonly<Record<string, string | number>>;
  /** What the shape's sum has of it, in its smallest units; null: nothing. */
  readonly units: number | null;
}

/** A kind of events, and what is added up of them to check a server. */
export interface Shape {
  readonly happen: (random: Random, users: number) => Happening;
  /** Payload keys. */
  readonly summed: string;
  readonly by: string;
  /** Of what is summed, on the wire. */
  readonly decimals: number;
}

const countries = ["DE", "FR", "US", "GB", "IT", "ES", "PL", "NL", "SE", "JP", "BR", "IN"] as const;
const devices = ["phone", "desktop", "tablet"] as const;
/** Of a hundred steps of visitors. */
const steps = [
  ["page_view", 62],
  ["search", 80],
  ["add_to_cart", 93],
  ["purchase", 99],
  ["refund", 100],
] as const;
const products = 500;

/** A product costs the same every time. */
const centsOf = (product: number): number => 199 + ((product * 7919) % 19_900);

const numbered = (name: string, number: number): string => `${name}_${String(number).padStart(5, "0")}`;
const few = (random: Random, below: number): number => Math.floor(random.next() * random.next() * below);

function shopping(random: Random, users: number): Happening {
  const percent = random.int(100);
  const [event_type] = steps.find(([, below]) => percent < below)!;
  const user = few(random, users);
  const product = few(random, products);
  const pieces = 1 + few(random, 4);
  const isPaid = event_type === "purchase" || event_type === "refund";
  const cents = centsOf(product) * pieces * (event_type === "refund" ? -1 : 1);
  // A visitor lives somewhere and stays there.
  const lived = { country: countries[(user * 31) % countries.length]!, device: random.often(devices) };
  return {
    user_id: numbered("user", user),
    event_type,
    payload: { ...lived, product_id: product, ...(isPaid ? { quantity: pieces, price: cents / 100 } : {}) },
    units: isPaid ? cents : null,
  };
}

function measuring(random: Random, users: number): Happening {
  const sensor = random.int(users);
  const tenths = 180 + (sensor % 60) + random.int(20);
  const payload = { site: numbered("site", sensor % 20), temperature: tenths / 10, humidity: 30 + random.int(40) };
  return { user_id: numbered("sensor", sensor), event_type: "reading", payload, units: tenths };
}

export const shapes: Readonly<Record<"shop" | "sensors", Shape>> = {
  shop: { happen: shopping, summed: "price", by: "country", decimals: 2 },
  sensors: { happen: measuring, summed: "temperature", by: "site", decimals: 1 },
};
