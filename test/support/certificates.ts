import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Why no certificate can be made here; undefined when it can. */
export const whyNoOpenssl = spawnSync("openssl", ["version"]).error === undefined ? undefined : "needs openssl";

/** Files in PEM form. */
export interface Certificates {
  /** Of the server, which is its own authority. */
  readonly cert: string;
  readonly key: string;
  /** Both in one file. */
  readonly both: string;
}

/** Makes a certificate of `localhost`, and of no other name or address, in the folder. */
export function makeCertificates(folder: string): Certificates {
  const [key, cert, both] = ["key.pem", "cert.pem", "both.pem"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", cert];
  execFileSync("openssl", [...made, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"], {
    stdio: "ignore",
  });
  writeFileSync(both, readFileSync(key, "utf8") + readFileSync(cert, "utf8"));
  return { cert, key, both };
}
