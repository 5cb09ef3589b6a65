/** Names of parameters of an address whose values are secrets. */
const secretName = /pass|token|secret|key/i;

/**
 * An address as it may be shown and logged: without user and password, and without the values of parameters that may be
 * secrets. Works on text, as addresses with several hosts are no URLs.
 */
export function withoutSecrets(address: string): string {
  const [head = "", query] = hidden(address).split(/\?(.*)/s);
  const shown = head.replace(/\/\/.*@/s, "//***@");
  if (query === undefined) return shown;
  const parameters = query.split("&").map((pair) => {
    const [name = "", value] = pair.split(/=(.*)/s);
    return value !== undefined && (secretName.test(name) || secretName.test(value)) ? `${name}=***` : pair;
  });
  return `${shown}?${parameters.join("&")}`;
}

/** A password with a question mark in it that is not written as %3F looks like parameters. */
const hidden = (address: string): string => (/\?.*@/s.test(address) ? address.replace(/\/\/.*@/s, "//***@") : address);
