import assert from "node:assert/strict";
import { createServer } from "node:http";
import { describe, it } from "node:test";
import { listening } from "../../test/support/socket.ts";
import { hostCheck, hostRefusal } from "./host-names.ts";

const refused = (host: string | undefined, listensOn: string, ...names: string[]): boolean =>
  hostRefusal(host, { listensOn, names }) !== undefined;

describe("a name that a server is asked by", () => {
  it("is its address or localhost where it listens on a loopback address", () => {
    for (const listensOn of ["127.0.0.1", "127.1.2.3", "::1", "localhost", "::ffff:127.0.0.1"]) {
      for (const host of [
        ...["127.0.0.1", "127.0.0.1:8001", "[::1]:8001", "[::1]", "localhost", "LOCALHOST:8001", "localhost."],
        ...["weir.localhost:1", "192.168.1.7:8001", undefined],
      ])
        assert.equal(refused(host, listensOn), false, `${host} on ${listensOn}`);
      for (const host of [
        ...[
          "evil.example",
          "evil.example:8001",
          "localhost.evil.example",
          "127.0.0.1.evil.example:8001",
          "notlocalhost",
        ],
        ...["", ":8001", "[evil]", "a:b:c", "127.0.0.1:8001:evil.example", "localhost:evil"],
      ])
        assert.equal(refused(host, listensOn), true, `${host} on ${listensOn}`);
    }
  });

  it("is any where it listens for others, as long as none are listed", () => {
    assert.equal(refused("weir.example:8001", "0.0.0.0"), false);
    assert.equal(refused("weir.example:8001", "0.0.0.0", "weir.example"), false);
    assert.equal(refused("evil.example:8001", "0.0.0.0", "weir.example"), true);
    assert.equal(refused("10.0.0.7:8001", "0.0.0.0", "weir.example"), false);
  });

  it("is one of the list on a loopback address too: of a proxy that passes on what it was asked", () => {
    assert.equal(refused("Weir.example", "127.0.0.1", "weir.example"), false);
    assert.equal(refused("evil.example", "127.0.0.1", "weir.example"), true);
    assert.equal(refused("evil.example", "127.0.0.1", "*"), false);
  });

  it("is judged by the address that it listens on, whatever that is called", async (t) => {
    const server = createServer();
    const check = hostCheck(server, { listensOn: "the.name.of.this.machine", names: [] });
    await listening(server);
    t.after(() => server.close());
    assert.equal(check("evil.example")?.code, "host_refused");
    assert.equal(check("localhost"), undefined);
  });

  it("is told with what to do", () => {
    const error = hostRefusal("evil.example:8001", { listensOn: "127.0.0.1", names: [] });
    assert.match(error?.message ?? "", /"evil\.example".*--host-names/);
    assert.equal(error?.code, "host_refused");
  });
});
