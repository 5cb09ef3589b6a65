import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutSecrets } from "./url-secrets.ts";

test("an address is shown without user, password and what else may be a secret", () => {
  for (const [address, shown] of [
    ["mongodb://host/weir", "mongodb://host/weir"],
    ["mongodb://u:geheim@a:1,b:2/weir?replicaSet=rs", "mongodb://***@a:1,b:2/weir?replicaSet=rs"],
    ["mongodb://u:ge@heim/@host", "mongodb://***@host"],
    ["mongodb://u:ge?heim@host/weir?w=1", "mongodb://***@host/weir?w=1"],
    ["mongodb://u@v:ge?he/im@host", "mongodb://***@host"],
    ["https://token@host:8443", "https://***@host:8443"],
    ["mongodb://h/?tlsCertificateKeyFilePassword=x&w=1", "mongodb://h/?tlsCertificateKeyFilePassword=***&w=1"],
    ["mongodb://h/?authMechanismProperties=AWS_SESSION_TOKEN:x", "mongodb://h/?authMechanismProperties=***"],
  ] as const)
    assert.equal(withoutSecrets(address), shown);
});
