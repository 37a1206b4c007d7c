/** How one server is reached. Nothing here is secret: `identityFile` and `knownHosts` are paths. */
export interface SshTarget {
  /** The server's name in the spec; every message about it begins with this. */
  name: string;
  address: string;
  port: number;
  /** Any user but root must be allowed to run `sudo` without a password. */
  user: string;
  identityFile: string;
  /** A known_hosts file that already holds this server's key: nothing is ever learned on first use. */
  knownHosts: string;
}

/** `root@10.0.0.11`, with the port where it is not 22. */
export function describeTarget(target: SshTarget): string {
  return `${target.user}@${target.address}${target.port === 22 ? "" : `:${target.port}`}`;
}
