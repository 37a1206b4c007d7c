import { createHash, X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { z } from "zod";

const AdminKubeconfig = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), "certificate-authority-data": z.string() }) }),
  ]),
});

/** Which cluster an administrator's kubeconfig of ours is for: the hash of its CA key, and host:port of its API server. */
export function parseKubeconfig(kubeconfig: string): { caHash: string; endpoint: string } {
  const { clusters } = AdminKubeconfig.parse(parse(kubeconfig));
  const { server, "certificate-authority-data": ca } = clusters[0].cluster;
  return { caHash: caHashOf(Buffer.from(ca, "base64")), endpoint: server.replace("https://", "") };
}

/**
 * `sha256:…` of a CA's public key, which joins are pinned to.
 *
 * @param certificate in PEM
 * @throws where it is none
 */
export function caHashOf(certificate: string | Buffer): string {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return `sha256:${createHash("sha256").update(key).digest("hex")}`;
}
