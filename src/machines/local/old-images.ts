import { removeContainer } from "./container.ts";
import { ifStatus } from "./docker-api.ts";
import type { Engine } from "./engine.ts";
import { builderPrefix } from "./labels.ts";

/** Removes our images; those that a container uses stay. Without `keep`, all of them. */
export async function removeOldImages(
  engine: Pick<Engine, "api">,
  keep: ReadonlySet<string> = new Set(),
): Promise<void> {
  const query = { filters: JSON.stringify({ reference: ["tandem-machine", "tandem-baked", "tandem-base"] }) };
  const images = await engine.api.call<{ RepoTags: string[] | null; Created: number }[]>("GET", "/images/json", {
    query,
  });
  const tags = images.flatMap(({ RepoTags, Created }) => (RepoTags ?? []).map((tag) => ({ tag, Created })));
  // Newest first: a parent cannot go before its child.
  for (const { tag } of tags.sort((a, b) => b.Created - a.Created)) {
    if (!keep.has(tag)) await engine.api.call("DELETE", `/images/${tag}`).catch(ifStatus(404, 409));
  }
}

/** Removes throw-away containers that a killed build left. Call it while no build runs. */
export async function removeBuilders(engine: Pick<Engine, "api" | "home">): Promise<void> {
  const query = { all: "true", filters: JSON.stringify({ name: [`^/${builderPrefix(engine)}`] }) };
  const rows = await engine.api.call<{ Id: string }[]>("GET", "/containers/json", { query });
  for (const { Id } of rows) await removeContainer(engine.api, Id);
}
