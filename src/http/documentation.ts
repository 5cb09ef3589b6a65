import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

/** Water that runs over an edge, as wide as it is. */
const mark = `<path d="M2 9h9c5 0 3 14 9 14h10" fill="none" stroke="#4aa3df" stroke-width="5" stroke-linecap="round"/>`;
const icon = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${mark}</svg>`;
const logo = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 110 32" height="40">${mark}<text x="42" y="24" font-family="sans-serif" font-size="24" font-weight="600" fill="#fff">Weir</text></svg>`;

/** Serves the OpenAPI document of the routes that are added after it at `/docs/json`, with a page to try them at `/docs/`. */
export function document(
  server: FastifyInstance,
  { title, version }: { readonly title: string; readonly version: string },
): void {
  // Beside the document, also where a proxy has the server below a path.
  const servers = [{ url: ".." }];
  server.register(swagger, { stripBasePath: false, openapi: { openapi: "3.1.0", info: { title, version }, servers } });
  server.register(swaggerUi, {
    routePrefix: "/docs",
    logo: { type: "image/svg+xml", content: Buffer.from(logo), href: "/docs/", target: "_self" },
    theme: {
      title,
      favicon: [{ filename: "icon.svg", rel: "icon", type: "image/svg+xml", sizes: "any", content: Buffer.from(icon) }],
    },
    // The page must work without any request to another host; the validator badge would be one.
    uiConfig: { validatorUrl: null },
    staticCSP:
      "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'self'",
  });
}
