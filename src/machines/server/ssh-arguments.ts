import type { SshTarget } from "./target.ts";

/** Seconds that OpenSSH waits for a connection before it calls a server down. */
export const CONNECT_TIMEOUT_SECONDS = 5;
/** A dead server is noticed after interval × count = 12 s. Less would fail servers that are busy unpacking images. */
const ALIVE_INTERVAL_SECONDS = 3;
const ALIVE_COUNT = 4;
/** A shared connection outlives its last command by this long, also when our process was killed. */
const PERSIST_SECONDS = 30;

/**
 * The arguments of `ssh` up to the remote command. Options given here win over the operator's own configuration, which
 * is still read because it may name a jump host.
 *
 * @param controlPath the socket of the shared connection
 */
export function sshArguments(target: SshTarget, controlPath: string): string[] {
  const options: Record<string, string | number> = {
    BatchMode: "yes",
    ConnectTimeout: CONNECT_TIMEOUT_SECONDS,
    ConnectionAttempts: 1,
    ServerAliveInterval: ALIVE_INTERVAL_SECONDS,
    ServerAliveCountMax: ALIVE_COUNT,
    ControlMaster: "auto",
    ControlPath: controlPath,
    ControlPersist: PERSIST_SECONDS,
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: quoteOption(target.knownHosts),
    GlobalKnownHostsFile: "/dev/null",
    // The pinned key belongs to the name we were given; a second record per address would only add ways to fail.
    CheckHostIP: "no",
    UpdateHostKeys: "no",
    PreferredAuthentications: "publickey",
    IdentitiesOnly: "yes",
    IdentityAgent: "none",
    ForwardAgent: "no",
    ForwardX11: "no",
    ClearAllForwardings: "yes",
    PermitLocalCommand: "no",
    RequestTTY: "no",
    EscapeChar: "none",
    LogLevel: "ERROR",
  };
  return [
    ...Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    "-i",
    target.identityFile,
    "-p",
    String(target.port),
    "-l",
    target.user,
    "--",
    target.address,
  ];
}

/** UserKnownHostsFile is a list: a path with a blank would be read as two. */
function quoteOption(path: string): string {
  return /\s/.test(path) ? `"${path}"` : path;
}
