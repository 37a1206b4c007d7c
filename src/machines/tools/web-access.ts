import { readFile } from "node:fs/promises";
import { getCACertificates } from "node:tls";
import { type Dispatcher, EnvHttpProxyAgent } from "undici";

/** Requests to the world: through HTTPS_PROXY where it is set, trusting Node's certificates and those of `certificates`. */
export interface WebAccess {
  dispatcher: Dispatcher;
  /** Takes a name and password out of an address and makes them a header. */
  login(url: string): { address: string; headers: Record<string, string> };
  close(): Promise<void>;
}

/** Opens it; the caller closes. */
export async function openWebAccess(certificates?: string): Promise<WebAccess> {
  const extra = certificates === undefined ? undefined : await readFile(certificates, "utf8").catch(() => undefined);
  const tls = extra === undefined ? {} : { ca: [...getCACertificates("default"), extra] };
  // A minute without a byte is a dead connection, which the download takes up again.
  const dispatcher = new EnvHttpProxyAgent({
    connect: tls,
    requestTls: tls,
    headersTimeout: 60_000,
    bodyTimeout: 60_000,
  });
  return {
    dispatcher,
    login: (url) => {
      const address = new URL(url);
      const { username, password } = address;
      if (username === "") return { address: url, headers: {} };
      [address.username, address.password] = ["", ""];
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      return { address: address.href, headers: { authorization: `Basic ${Buffer.from(pair).toString("base64")}` } };
    },
    close: () => dispatcher.close(),
  };
}
