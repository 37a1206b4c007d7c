import type { TandemErrorInit } from "../../errors.ts";
import { CONNECT_TIMEOUT_SECONDS } from "./ssh-arguments.ts";
import { describeTarget, type SshTarget } from "./target.ts";

interface Kind {
  code: string;
  pattern: RegExp;
  why: (target: SshTarget) => string;
  fix: (target: SshTarget) => string;
}

// In this order: a changed host key also ends with "Host key verification failed", a bad key file also with "Permission denied".
const KINDS: readonly Kind[] = [
  {
    code: "E_SSH_HOST_CHANGED",
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed/i,
    why: (t) => `the server at ${t.address} shows another host key than the one pinned in ${t.knownHosts}`,
    fix: (t) =>
      `if the server was reinstalled, read its new key on its own console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub), ` +
      `replace its line in ${t.knownHosts}; if it was not, somebody may be answering in its place: do not go on`,
  },
  {
    code: "E_SSH_HOST_UNKNOWN",
    pattern: /host key is known for|Host key verification failed/i,
    why: (t) => `no host key is pinned for ${hostPattern(t)} in ${t.knownHosts}, and keys are never accepted unseen`,
    fix: (t) =>
      `add the server's line: ssh-keyscan -p ${t.port} ${t.address} >> ${t.knownHosts}, and compare its fingerprint with the server's console`,
  },
  {
    code: "E_SSH_KEY_FILE",
    pattern:
      /Identity file .* not accessible|UNPROTECTED PRIVATE KEY FILE|bad permissions|Load key .*: (?!Permission denied)|no such identity/i,
    why: (t) => `the private key ${t.identityFile} cannot be used`,
    fix: (t) =>
      `check that ${t.identityFile} exists, is an unencrypted OpenSSH private key and has mode 0600 (chmod 600 ${t.identityFile})`,
  },
  {
    code: "E_SSH_KEY",
    pattern: /Permission denied|Too many authentication failures|Authentication failed/i,
    why: (t) => `the server does not accept the key ${t.identityFile} for user ${t.user}`,
    fix: (t) =>
      `put the public key into ~${t.user}/.ssh/authorized_keys on the server (ssh-copy-id -i ${t.identityFile} -p ${t.port} ${t.user}@${t.address}), or correct provision.identityFile and provision.user`,
  },
  {
    code: "E_SSH_DNS",
    pattern: /Could not resolve hostname|Name or service not known|Temporary failure in name resolution/i,
    why: (t) => `the name ${t.address} has no address`,
    fix: () => "correct the server's address in the spec",
  },
  {
    code: "E_SSH_REFUSED",
    pattern: /Connection refused/i,
    why: (t) => `${t.address} answers, but nothing listens on port ${t.port}`,
    fix: (t) =>
      `start sshd on the server (systemctl enable --now ssh), or correct the port (now ${t.port}) in the spec`,
  },
  {
    code: "E_SSH_DOWN",
    pattern:
      /Connection timed out|Operation timed out|No route to host|Host is (down|unreachable)|Network is unreachable|timed out during banner/i,
    why: (t) => `no answer from ${t.address} port ${t.port} within ${CONNECT_TIMEOUT_SECONDS} s`,
    fix: (t) =>
      `check that the server is powered on and that its address is right (ping ${t.address}), and that no firewall drops port ${t.port}`,
  },
];

/** `[10.0.0.11]:2222`, as OpenSSH writes a host with another port than 22 into known_hosts. */
function hostPattern(target: SshTarget): string {
  return target.port === 22 ? target.address : `[${target.address}]:${target.port}`;
}

/**
 * Says what stopped OpenSSH itself (its exit code 255), from what it printed. A text that matches nothing is a
 * connection that was lost under way: OpenSSH prints least about that one.
 */
export function sshFailure(target: SshTarget, stderr: string): TandemErrorInit {
  const kind = KINDS.find(({ pattern }) => pattern.test(stderr));
  const said = stderr
    .split("\n")
    .map((line) => line.trim())
    // The frame of @ signs around the warning about a changed key.
    .filter((line) => line !== "" && !/^@+$/.test(line) && !/^@ .* @$/.test(line))
    .at(-1);
  const quote = said === undefined ? "" : ` (ssh said: ${said})`;
  return {
    code: kind?.code ?? "E_SSH_LOST",
    what: `${target.name}: no SSH connection to ${describeTarget(target)}`,
    why: `${kind?.why(target) ?? "the connection broke before the command ended"}${quote}`,
    fix:
      kind?.fix(target) ??
      `check the server and the network to it (ping ${target.address}), then run the same command again`,
  };
}
