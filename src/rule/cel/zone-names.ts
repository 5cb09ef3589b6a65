/** Names that Node knows by an older one; the IANA's of today, which the engine knows as well. */
const renamed: ReadonlyMap<string, string> = new Map([
  ["Africa/Asmera", "Africa/Asmara"],
  ["America/Buenos_Aires", "America/Argentina/Buenos_Aires"],
  ["America/Catamarca", "America/Argentina/Catamarca"],
  ["America/Coral_Harbour", "America/Atikokan"],
  ["America/Cordoba", "America/Argentina/Cordoba"],
  ["America/Godthab", "America/Nuuk"],
  ["America/Indianapolis", "America/Indiana/Indianapolis"],
  ["America/Jujuy", "America/Argentina/Jujuy"],
  ["America/Louisville", "America/Kentucky/Louisville"],
  ["America/Mendoza", "America/Argentina/Mendoza"],
  ["Asia/Calcutta", "Asia/Kolkata"],
  ["Asia/Katmandu", "Asia/Kathmandu"],
  ["Asia/Rangoon", "Asia/Yangon"],
  ["Asia/Saigon", "Asia/Ho_Chi_Minh"],
  ["Atlantic/Faeroe", "Atlantic/Faroe"],
  ["Europe/Kiev", "Europe/Kyiv"],
  ["Pacific/Enderbury", "Pacific/Kanton"],
  ["Pacific/Ponape", "Pacific/Pohnpei"],
  ["Pacific/Truk", "Pacific/Chuuk"],
]);

// Known to Node's data, not yet to the engine's.
const notInEngine = new Set(["America/Coyhaique"]);

/** Hours from UTC, those to the west with a plus. Node takes these names, and does not list them. */
const fixed = [
  ...Array.from({ length: 12 }, (_, hours) => `Etc/GMT+${hours + 1}`),
  ...Array.from({ length: 14 }, (_, hours) => `Etc/GMT-${hours + 1}`),
];

/** Every name of a time zone that a rule may use, in its canonical form. */
export const zoneNames: ReadonlySet<string> = new Set(
  ["UTC", ...Intl.supportedValuesOf("timeZone"), ...fixed].filter((zone) => !notInEngine.has(zone)).map(ofToday),
);

/** The canonical name of a zone; undefined when there is none of this name. Links such as `US/Pacific` become the zone that they mean. */
export function zoneNamed(text: string): string | undefined {
  const name = ofToday(knownAs(text));
  return zoneNames.has(name) ? name : undefined;
}

function ofToday(name: string): string {
  return renamed.get(name) ?? name;
}

function knownAs(text: string): string {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    return "";
  }
}
