import assert from "node:assert/strict";
import { isIP } from "node:net";
import { after, describe, it } from "node:test";
import { WeirError } from "../lib/errors.ts";
import { listen } from "./listen.ts";
import { createServer } from "./server.ts";
import type { Server } from "./server.ts";

const options = { hostOption: "--host", portOption: "--query-port" };
const server = (): Server => {
  const made = createServer({ title: "Test", version: "0", logger: false, routes: [] });
  after(() => made.close());
  return made;
};

describe("listening", () => {
  it("answers the address, with the port that the system gave", async () => {
    const url = await listen(server(), { ...options, host: "127.0.0.1", port: 0 });
    assert.match(url, /^http:\/\/127\.0\.0\.1:[1-9]\d*$/);
  });

  it("is one server also for a name of several addresses: a second would have none of its bounds", async () => {
    const asked = { listen: async ({ host = "" }: { readonly host?: string } = {}) => host };
    assert.ok(isIP(await listen(asked as Pick<Server, "listen">, { ...options, host: "localhost", port: 0 })));
  });

  it("names the option that chooses another port when it is taken", async () => {
    const { port } = new URL(await listen(server(), { ...options, host: "127.0.0.1", port: 0 }));
    const again = listen(server(), { ...options, host: "127.0.0.1", port: Number(port) });
    await assert.rejects(again, (error) => isUsersOwn(error, "port_taken", `port ${port} `, "--query-port"));
  });

  const failing = (code: string) => ({ listen: () => Promise.reject(Object.assign(new Error(code), { code })) });

  for (const code of ["EADDRNOTAVAIL", "ENOTFOUND", "EAI_AGAIN"])
    it(`names the option that chooses another address: ${code}`, async () => {
      const refused = listen(failing(code), { ...options, host: "weir.invalid", port: 0 });
      await assert.rejects(refused, (error) => isUsersOwn(error, "invalid_config", "weir.invalid", "--host"));
    });

  it("names the option that chooses another port than one that is not for this user", async () => {
    const refused = listen(failing("EACCES"), { ...options, host: "127.0.0.1", port: 80 });
    await assert.rejects(refused, (error) => isUsersOwn(error, "invalid_config", "port 80;", "--query-port"));
  });

  it("leaves other failures as they are", async () => {
    await assert.rejects(listen(failing("EMFILE"), { ...options, host: "127.0.0.1", port: 0 }), { code: "EMFILE" });
  });
});

const isUsersOwn = (error: unknown, code: string, ...said: readonly string[]): boolean =>
  error instanceof WeirError && error.code === code && said.every((text) => error.message.includes(text));
