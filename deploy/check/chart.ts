import { createHash } from "node:crypto";
import { globSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { root, textOf } from "./read.ts";

/** What Helm makes of the chart with `deploy/helm/example-values.yaml`; `npm run chart` writes it. */
export const renderedFile = "deploy/helm/example.yaml";

/** Of all that the rendered manifests are made of, so that a chart that was changed and not rendered is noticed. */
export function chartStamp(): string {
  const hash = createHash("sha256");
  const files = globSync("deploy/helm/{weir/**/*.*,example-values.yaml}", { cwd: root }).sort();
  for (const file of files) hash.update(file).update("\0").update(textOf(file)).update("\0");
  return hash.digest("hex");
}

/** As much of a manifest as is looked at. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels: Labels; readonly annotations?: Labels };
  readonly spec: {
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly sessionAffinity?: string;
    readonly serviceName?: string;
    readonly replicas?: number;
    readonly strategy?: { readonly rollingUpdate: { readonly maxUnavailable: number } };
    readonly podManagementPolicy?: string;
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: PodSpec };
    readonly ports?: readonly { readonly port: number; readonly targetPort: string }[];
    readonly rules?: readonly { readonly http: { readonly paths: readonly IngressPath[] } }[];
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
  };
}

type Labels = Readonly<Record<string, string>>;

interface IngressPath {
  readonly path: string;
  readonly pathType: string;
  readonly backend: { readonly service: { readonly name: string; readonly port: { readonly name: string } } };
}

export interface PodSpec {
  readonly enableServiceLinks: boolean;
  readonly terminationGracePeriodSeconds: number;
  readonly topologySpreadConstraints: readonly { readonly labelSelector: { readonly matchLabels: Labels } }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly lifecycle: { readonly preStop: { readonly exec: { readonly command: readonly string[] } } };
  readonly resources: { readonly limits: Labels };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** @throws Error when a document is no YAML, or has a key twice. */
export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if ("errors" in document && document.errors.length > 0) throw document.errors[0];
    return document.toJS() as Manifest;
  });
}
