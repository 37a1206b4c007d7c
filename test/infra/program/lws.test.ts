import { expect, test } from "vitest";
import { parse } from "yaml";
import { lwsManifests } from "../../../src/infra/program/lws.ts";
import type { Manifest } from "../../../src/manifests/manifest.ts";

const ofKind = (wanted: string) => lwsManifests().filter(({ kind }) => kind === wanted);

test("LeaderWorkerSet's controller needs no lease, so that an API server that is away does not end it", () => {
  const configs = ofKind("ConfigMap") as (Manifest & { data: Record<string, string> })[];
  expect(configs.map(({ metadata, data }) => [metadata.name, Object.values(data).map((text) => parse(text))])).toEqual([
    [
      "lws-manager-config",
      [
        {
          apiVersion: "config.lws.x-k8s.io/v1alpha1",
          kind: "Configuration",
          leaderElection: { leaderElect: false },
          internalCertManagement: { enable: true },
        },
      ],
    ],
  ]);
});

test("nor are there ever two of it at once, which the lease prevented", () => {
  expect(ofKind("Deployment")).toMatchObject([
    { spec: { replicas: 1, strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } } },
  ]);
});
