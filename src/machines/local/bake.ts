import type { Readable } from "node:stream";
import { TandemError } from "../../errors.ts";
import type { ImageArchive } from "../images/write-image.ts";
import { containerLogs, createContainer, removeContainer, startContainer, waitContainer } from "./container.ts";
import { machineHostConfig } from "./container-options.ts";
import type { Engine } from "./engine.ts";
import { builderPrefix } from "./labels.ts";

/**
 * Runs inside a throw-away machine without systemd. $1 is a list `<archive number> <sha256> <reference>`.
 * Snapshots and big blobs move to /opt/baked, links stay in their places: /var of a machine is a volume (an overlay
 * cannot lie on an overlay), it is copied for each machine, and links are 18 MB where the store is over 1 GB.
 */
export const BAKE_SCRIPT = `
set -eu
containerd --log-level error >/var/containerd.log 2>&1 &
daemon=$!
until ctr version >/dev/null 2>&1; do
  kill -0 $daemon || { cat /var/containerd.log >&2; exit 1; }
  sleep 0.05
done
ls /bake | xargs -P 2 -I {} ctr -n k8s.io images import /bake/{} >/dev/null
echo "$1" | while read -r sha256 reference; do
  ctr -n k8s.io images label "$reference" "tandem.dev/archive=$sha256" >/dev/null
done
kill $daemon
wait $daemon || true
out=/var/bake
mkdir -p $out/opt/baked/snapshots $out/opt/baked/blobs $out/var/lib
mv /var/lib/containerd $out/var/lib/containerd
cd $out/var/lib/containerd
# The uuid would make all machines one containerd.
rm -rf tmpmounts io.containerd.grpc.v1.introspection
cd io.containerd.snapshotter.v1.overlayfs/snapshots
for n in *; do mv "$n" $out/opt/baked/snapshots/; ln -s /opt/baked/snapshots/"$n" "$n"; done
cd ../../io.containerd.content.v1.content/blobs/sha256
find . -type f -size +64k | while read -r blob; do
  mv "$blob" $out/opt/baked/blobs/
  ln -s "/opt/baked/blobs/\${blob#./}" "$blob"
done
`;

/**
 * Imports image archives into containerd's store once and answers the files that belong into a machine's root, as a
 * tar stream. The throw-away machine lives until the stream was read: call `done` afterwards.
 *
 * @throws TandemError E_BAKE with containerd's own words.
 */
export async function bakeImages(
  engine: Engine,
  base: string,
  archives: readonly ImageArchive[],
  signal?: AbortSignal,
): Promise<{ files: Readable; done: () => Promise<void> }> {
  const { api } = engine;
  const list = archives.flatMap(({ sha256, references }) => references.map((reference) => `${sha256} ${reference}`));
  const id = await createContainer(
    api,
    `${builderPrefix(engine)}bake`,
    {
      Image: base,
      Labels: {},
      Entrypoint: ["/bin/sh", "-c", BAKE_SCRIPT, "bake", list.join("\n")],
      NetworkDisabled: true,
      Volumes: { "/var": {} },
      HostConfig: {
        ...machineHostConfig(engine),
        Binds: archives.map(({ path }, at) => `${path}:/bake/${at}.tar:ro`),
      },
    },
    signal,
  );
  const done = () => removeContainer(api, id);
  try {
    await startContainer(api, id, signal);
    const code = await waitContainer(api, id, signal);
    if (code !== 0) throw bakeFailed(code, await containerLogs(api, id));
    const query = { path: "/var/bake/." };
    return { files: await api.stream("GET", `/containers/${id}/archive`, { query, signal }), done };
  } catch (error) {
    await done();
    throw error;
  }
}

function bakeFailed(code: number, log: string): TandemError {
  return new TandemError({
    code: "E_BAKE",
    what: "the container images could not be put into the machine image",
    why: `the import ended with exit code ${code}: ${log.trim().split("\n").slice(-3).join(" | ").slice(0, 400)}`,
    fix: "check the free disk space; if an archive is broken, delete it below TANDEM_HOME/images and run again",
  });
}
