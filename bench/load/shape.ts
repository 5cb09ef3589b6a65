import { mix, seeded } from "../../test/support/random.ts";

/** What the load consists of: `bodies` different requests of `eventsPerRequest` events each, the same for the same seed. */
export interface Shape {
  readonly seed: number;
  readonly bodies: number;
  readonly eventsPerRequest: number;
}

/** The parts of an event that stay when its request is sent again; id and time are new with every sending. */
export interface ShapeEvent {
  readonly idTail: string;
  readonly user: string;
  readonly type: string;
  readonly millis: number;
  readonly product: number;
  /** Cents; the wire has units with two places or fewer. */
  readonly cents: number;
  readonly country: string;
}

const types = ["page_view", "page_view", "page_view", "click", "click", "add_to_cart", "search", "purchase"] as const;
const countries = ["DE", "FR", "US", "GB", "IT", "ES", "PL", "NL", "SE", "JP", "BR", "IN"] as const;
const users = 20_000;

/** The events of body number `body`. */
export function shapeEvents(shape: Shape, body: number): ShapeEvent[] {
  const random = seeded(mix(shape.seed) ^ body);
  return Array.from({ length: shape.eventsPerRequest }, () => ({
    idTail: `${random.hex(4)}-4${random.hex(3)}-8${random.hex(3)}-${random.hex(12)}`,
    user: `user_${random.int(users).toString().padStart(5, "0")}`,
    type: random.pick(types),
    millis: random.int(1000),
    product: 100 + random.int(900),
    cents: 100 + random.int(49_900),
    country: random.pick(countries),
  }));
}

/**
 * A whole HTTP request, ready to be written to a socket, whose ids and times are overwritten in place: nothing is
 * serialised while measuring. It must not be changed while a socket may still read it.
 */
export class PreparedRequest {
  readonly bytes: Buffer;
  readonly #idAt: Uint32Array;
  readonly #timeAt: Uint32Array;
  #second = 0;

  constructor(events: readonly ShapeEvent[], host: string) {
    const texts = events.map(eventText);
    const length = texts.reduce((sum, text) => sum + text.length + 1, 1);
    const head = `POST /ingest HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
    this.bytes = Buffer.from(`${head}[${texts.join(",")}]`, "latin1");
    this.#idAt = new Uint32Array(events.length);
    this.#timeAt = new Uint32Array(events.length);
    let at = head.length + 1;
    texts.forEach((text, index) => {
      this.#idAt[index] = at + text.indexOf(idPlace);
      this.#timeAt[index] = at + text.indexOf(timePlace);
      at += text.length + 1;
    });
  }

  /** Makes the ids new (`sending` must not have been used in this run) and sets the time to this second. */
  renew(sending: number, epochSecond: number): void {
    this.#write(this.#idAt, Buffer.from(mix(sending).toString(16).padStart(8, "0"), "latin1"));
    if (epochSecond === this.#second) return;
    this.#second = epochSecond;
    this.#write(
      this.#timeAt,
      Buffer.from(new Date(epochSecond * 1000).toISOString().slice(0, timePlace.length), "latin1"),
    );
  }

  #write(places: Uint32Array, digits: Buffer): void {
    const bytes = this.bytes;
    const width = digits.length;
    for (let index = 0; index < places.length; index++) {
      const at = places[index]!;
      for (let digit = 0; digit < width; digit++) bytes[at + digit] = digits[digit]!;
    }
  }
}

const idPlace = "########";
const timePlace = "####-##-##T##:##:##";

function eventText(event: ShapeEvent): string {
  const millis = event.millis.toString().padStart(3, "0");
  return (
    `{"event_id":"${idPlace}-${event.idTail}","user_id":"${event.user}","event_type":"${event.type}",` +
    `"timestamp":"${timePlace}.${millis}Z",` +
    `"payload":{"product_id":${event.product},"price":${event.cents / 100},"country":"${event.country}"}}`
  );
}
