import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Browser, BrowserContextOptions, Locator, Page } from "playwright-core";
import { root } from "./built-client.ts";
import { openChromium } from "./chromium.ts";
import { openMovingAddress, type MovingAddress } from "./moving-address.ts";
import { startServer, type ServerProcess } from "./server-process.ts";

const patienceMs = 120_000;

export interface DashboardOptions {
  /** More arguments of `weir serve`. */
  readonly args?: readonly string[];
  /** Done to the folder before the server starts. */
  readonly prepare?: (dataDir: string) => Promise<void>;
}

/** The built dashboard of a real server in Chromium, at an address that stays while the server comes and goes. */
export class Dashboard {
  readonly dataDir: string;
  readonly browser: Browser;
  readonly address: MovingAddress;
  readonly #args: readonly string[];
  readonly #hosts = new Set<string>();
  readonly #errors: string[] = [];
  #server: ServerProcess;

  private constructor(
    dataDir: string,
    args: readonly string[],
    server: ServerProcess,
    parts: [Browser, MovingAddress],
  ) {
    this.dataDir = dataDir;
    this.#args = args;
    this.#server = server;
    [this.browser, this.address] = parts;
  }

  static async start({ args = [], prepare }: DashboardOptions = {}): Promise<Dashboard> {
    await promisify(execFile)(process.execPath, [join(root, "scripts/build-web.mjs")]);
    const dataDir = await mkdtemp(join(tmpdir(), "weir-dashboard-"));
    let server: ServerProcess | undefined;
    try {
      await prepare?.(dataDir);
      server = await startServer({ dataDir, args });
      // The address comes last: it does not fail, and nobody would close it.
      const browser = await openChromium();
      return new Dashboard(dataDir, args, server, [browser, await openMovingAddress(server.queryUrl)]);
    } catch (error) {
      await leave(server, dataDir);
      throw error;
    }
  }

  get server(): ServerProcess {
    return this.#server;
  }

  /** A server after one that was ended, on the same folder. The address leads to the old one until it is told otherwise. */
  async startAgain(): Promise<ServerProcess> {
    this.#server = await startServer({ dataDir: this.dataDir, args: this.#args });
    return this.#server;
  }

  /** A page in a browser of its own; `script` runs before the page's. */
  async open(hash: string, { script, ...options }: BrowserContextOptions & { script?: string } = {}): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width: 1280, height: 860 }, ...options });
    page.setDefaultTimeout(patienceMs);
    page.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      // A file that the page itself has made is asked for at no host.
      if (protocol !== "blob:") this.#hosts.add(host);
    });
    page.on("pageerror", (error) => this.#errors.push(error.message));
    page.on("console", (line) => {
      if (line.type() === "error" && !/Failed to load resource|WebSocket/.test(line.text()))
        this.#errors.push(line.text());
    });
    if (script !== undefined) await page.addInitScript(script);
    await this.go(page, hash);
    return page;
  }

  async go(page: Page, hash: string): Promise<void> {
    await page.goto(`${this.address.url}/${hash}`);
  }

  /** No page has asked anybody else, and nothing has gone wrong in one. */
  judge(): void {
    assert.deepEqual([...this.#hosts], [new URL(this.address.url).host]);
    assert.deepEqual(this.#errors, []);
  }

  async close(): Promise<void> {
    try {
      await this.browser.close();
      await this.address.close();
    } finally {
      await leave(this.server, this.dataDir);
    }
  }
}

async function leave(server: ServerProcess | undefined, dataDir: string): Promise<void> {
  await server?.killGroup();
  await rm(dataDir, { recursive: true, force: true });
}

/** Waits until a place has the text. */
export const shows = (page: Page, selector: string, text: string | RegExp): Promise<void> =>
  page.locator(selector, { hasText: text }).first().waitFor();

/** Waits until a figure has the value. */
export const figureIs = (page: Page, name: string, value: RegExp): Promise<void> =>
  figure(page, name).locator("b").filter({ hasText: value }).waitFor();

export const figure = (page: Page, name: string): Locator =>
  page.locator(".figure", { has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) });

/** Waits for a condition. Asked from outside: the pages' own policy keeps `waitForFunction` from evaluating a text in them. */
export async function has(page: Page, condition: string): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!(await page.evaluate<boolean>(condition))) {
    assert.ok(performance.now() < end, `it does not come to ${condition}`);
    await page.waitForTimeout(50);
  }
}

/** Run in the page: the label, or the words, of what has the keyboard. */
export const focused = `(document.activeElement?.labels?.[0] ?? document.activeElement)?.textContent.trim() ?? ""`;

/** The beginning of the minute in which the tests began, ms. */
export const minute = Math.floor(Date.now() / 60_000) * 60_000;
let ids = 0;

/** An event of so many minutes before; further fields go on top. */
export const order = (country: string, price: number, ago = 1, more: object = {}): object => ({
  event_id: `e-${++ids}`,
  user_id: "ann",
  event_type: "order",
  timestamp: minute - ago * 60_000,
  payload: { country, price },
  ...more,
});
