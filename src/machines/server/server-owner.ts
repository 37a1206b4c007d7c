import { TandemError } from "../../errors.ts";
import { caHashOf } from "./kubeconfig.ts";
import type { Remote } from "./remote.ts";
import { changing, script } from "./script.ts";

/** A stack, as its servers know it. */
export interface Owner {
  /** `NAME ID`: two stacks may have one name, where they were made on two computers. */
  mark: string;
  /** Of its cluster, as far as that is known. */
  caHash?: string | undefined;
  /** Whether the server is in the stack's state: it was ours once. */
  known: boolean;
}

/** What lies on a server that Tandem has touched. */
interface Traces {
  /** Undefined where a version without marks was at work, or one that was killed in its first moment. */
  mark: string | undefined;
  caHash: string | undefined;
}

const LOOK = `
[ -d /var/lib/tandem ] || exit 0
printf 'mark %s\\n' "$(cat /var/lib/tandem/stack 2> /dev/null || true)"
[ ! -s /etc/kubernetes/pki/ca.crt ] || cat /etc/kubernetes/pki/ca.crt`;

/** Why a server is another stack's, or undefined where nothing says so. Looks at values only. */
export function foreignTo(owner: Owner, { mark, caHash }: Traces): string | undefined {
  if (mark !== undefined) {
    return mark === owner.mark
      ? undefined
      : `its /var/lib/tandem/stack says "${mark}", and this stack is "${owner.mark}"`;
  }
  if (caHash === undefined || caHash === owner.caHash) return undefined;
  if (owner.caHash === undefined && owner.known) return undefined;
  return `an older version of Tandem made it part of a cluster that is not known to be this stack's (its CA is ${caHash})`;
}

/**
 * Changes nothing.
 *
 * @throws TandemError E_SERVER_TAKEN for a server of another stack
 */
export async function assertOwned(remote: Remote, owner: Owner, signal: AbortSignal): Promise<void> {
  const why = await foreignBecause(remote, owner, signal);
  if (why !== undefined) throw taken(remote, owner, why);
}

/** Why a server is another stack's by now, or undefined. */
export async function foreignBecause(remote: Remote, owner: Owner, signal: AbortSignal): Promise<string | undefined> {
  const traces = await look(remote, signal);
  return traces === undefined ? undefined : foreignTo(owner, traces);
}

/**
 * Makes a server the stack's: no other stack can have it until it is reset.
 *
 * @throws TandemError E_SERVER_TAKEN for a server of another stack
 */
export async function claimServer(remote: Remote, owner: Owner, signal: AbortSignal): Promise<void> {
  const traces = await look(remote, signal);
  const why = traces === undefined ? undefined : foreignTo(owner, traces);
  if (why !== undefined) throw taken(remote, owner, why);
  if (traces?.mark === owner.mark) return;
  // Under the server's lock: of two stacks that come at the same time one reads the other's mark.
  const options = { step: "write down whose server it is", values: { mark: owner.mark }, signal };
  const mark = (await remote.run(changing(script("claim")), options)).trim();
  const late = foreignTo(owner, { mark, caHash: undefined });
  if (late !== undefined) throw taken(remote, owner, late);
}

async function look(remote: Remote, signal: AbortSignal): Promise<Traces | undefined> {
  const text = await remote.run(LOOK, { step: "ask whose server it is", signal });
  if (text === "") return undefined;
  const [first = "", ...certificate] = text.split("\n");
  const mark = first.replace(/^mark /, "").trim();
  return { mark: mark === "" ? undefined : mark, caHash: hashOf(certificate.join("\n").trim()) };
}

function hashOf(certificate: string): string | undefined {
  if (certificate === "") return undefined;
  try {
    return caHashOf(certificate);
  } catch {
    // Cut off by a kill: no cluster has come of it.
    return undefined;
  }
}

function taken({ target: { name }, resume }: Remote, { mark, known }: Owner, why: string): TandemError {
  const drop = known ? "; `pulumi refresh` drops it from this stack's state" : "";
  return new TandemError({
    code: "E_SERVER_TAKEN",
    what: `${name} is a server of another stack, and nothing was changed on it`,
    why,
    fix:
      `take it out of that stack (\`tandem down\` where that was made) or out of this spec${drop}; if that stack is gone for good, ` +
      `hand the server over with \`echo ${mark} > /var/lib/tandem/stack\` as root on it, then run \`${resume}\` again`,
  });
}
