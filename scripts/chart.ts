/**
 * `npm run chart`: Helm's own check of the chart, and what it makes of it with deploy/helm/example-values.yaml, which it writes into
 * deploy/helm/example.yaml. Needs `helm` (3.18 or newer), or HELM with its path.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { chartStamp, renderedFile } from "../deploy/check/chart.ts";
import { root } from "../deploy/check/read.ts";

const helm = (...args: string[]): string =>
  execFileSync(process.env["HELM"] ?? "helm", args, { cwd: root, encoding: "utf8" });
const chart = ["deploy/helm/weir", "--values", "deploy/helm/example-values.yaml"];

process.stdout.write(helm("lint", "--strict", ...chart));
const rendered = helm("template", "try", ...chart, "--kube-version", "1.30");
writeFileSync(root + renderedFile, `# Made by \`npm run chart\` of ${chartStamp()}.\n${rendered}`);
