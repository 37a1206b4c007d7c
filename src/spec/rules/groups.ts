import { didYouMean } from "../did-you-mean.ts";
import type { Draft } from "../draft.ts";
import { formatPath, type Problem, problem, type SpecPath, warning } from "../problem.ts";
import { entriesOf, itemsOf, serverOf } from "./read.ts";

/** Membership: every member is a server and belongs to one place; groups are of one size. The plan looks inside a group. */
export function groupRules(spec: Draft): Problem[] {
  const names = Object.keys(spec.servers ?? {});
  const uses = usesOf(spec);
  const groups = entriesOf(spec.groups);
  return [
    ...(spec.groups !== undefined && Object.keys(spec.groups).length === 0 ? [noGroup()] : []),
    ...(spec.servers === undefined ? [] : uses.flatMap((use) => unknownServer(use, names))),
    ...usedTwice(uses),
    ...unequalSize(groups),
    ...unequalServers(spec, groups),
    ...unlikeSpares(spec),
    ...unused(names, uses, spec),
  ];
}

interface Use {
  server: string;
  path: SpecPath;
  place: string;
}

function usesOf(spec: Draft): Use[] {
  const inGroups = entriesOf(spec.groups).flatMap(([id, members]) =>
    itemsOf(members).map(({ item, index }) => ({ server: item, path: ["groups", id, index], place: `group ${id}` })),
  );
  const spares = itemsOf(spec.spares).map(({ item, index }) => ({
    server: item,
    path: ["spares", index],
    place: "spares",
  }));
  return [...inGroups, ...spares];
}

function noGroup(): Problem {
  return problem("E_SPEC_GROUP", ["groups"], {
    what: "there is no group",
    why: "a group is the servers that run one engine",
    fix: "add one, e.g. `a: [gpu-a, gpu-b]`",
  });
}

function unknownServer({ server, path, place }: Use, names: readonly string[]): Problem[] {
  if (names.includes(server)) return [];
  const meant = didYouMean(server, names);
  return [
    problem("E_SPEC_UNKNOWN_SERVER", path, {
      what: `${place} names ${server}, which is not a server`,
      why: `the servers are ${names.join(", ") || "none"}`,
      fix: meant === undefined ? `add ${server} under servers, or name one of these` : `did you mean \`${meant}\`?`,
    }),
  ];
}

function usedTwice(uses: readonly Use[]): Problem[] {
  return uses.flatMap(({ server, path, place }, index) => {
    const first = uses.slice(0, index).find((use) => use.server === server);
    if (first === undefined) return [];
    return [
      problem("E_SPEC_SERVER_TWICE", path, {
        what: `${server} is in ${first.place} and again in ${place}`,
        why: "its GPUs can run one engine; the second would find no memory, and both would die with the server",
        fix: `take it out of ${formatPath(first.path.slice(0, -1))} or of ${formatPath(path.slice(0, -1))}`,
      }),
    ];
  });
}

function unequalSize(groups: readonly [string, readonly unknown[]][]): Problem[] {
  const [first, ...others] = groups;
  if (first === undefined) return [];
  return others
    .filter(([, members]) => members.length !== first[1].length)
    .map(([id, members]) =>
      problem("E_SPEC_GROUP_SIZE", ["groups", id], {
        what: `group ${id} has ${members.length} servers and group ${first[0]} has ${first[1].length}`,
        why: "both run the same command line, whose --tp-size fixes the number of GPUs, and either must carry the other's load",
        fix: "give all groups the same number of servers; put a server that is left over under spares",
      }),
    );
}

/** 2×8 and 2×4 GPUs: as many servers, but another command line. */
function unequalServers(spec: Draft, groups: readonly [string, readonly (string | undefined)[]][]): Problem[] {
  const sizes = groups.map(([id, members]) => ({
    id,
    counts: itemsOf(members).map(({ item }) => serverOf(spec, item)?.gpus),
  }));
  const [first, ...others] = sizes.filter(({ counts }) => counts.length > 0 && new Set(counts).size === 1);
  if (first === undefined) return [];
  return others
    .filter(({ counts }) => counts[0] !== undefined && first.counts[0] !== undefined && counts[0] !== first.counts[0])
    .map(({ id, counts }) =>
      problem("E_SPEC_GROUP_SIZE", ["groups", id], {
        what: `the servers of group ${id} have ${counts[0]} GPUs and those of group ${first.id} have ${first.counts[0]}`,
        why: "both groups run the same command line, whose --tp-size fixes the number of GPUs",
        fix: "build both groups from servers with the same number of GPUs",
      }),
    );
}

/** A spare takes the place of any member, so it must be like them all. */
function unlikeSpares(spec: Draft): Problem[] {
  const members = entriesOf(spec.groups).flatMap(([, list]) => itemsOf(list).map(({ item }) => item));
  const model = members.map((name) => serverOf(spec, name)).find((server) => server !== undefined);
  if (model === undefined) return [];
  return itemsOf(spec.spares).flatMap(({ item, index }) => {
    const spare = serverOf(spec, item);
    if (spare === undefined || (spare.gpu === model.gpu && spare.gpus === model.gpus)) return [];
    return [
      problem("E_SPEC_GPU_MIX", ["spares", index], {
        what: `the spare ${item} has ${spare.gpus}×${spare.gpu} and the groups have ${model.gpus}×${model.gpu}`,
        why: "a spare replaces a member of a group, whose servers must be alike",
        fix: "name a server like the others, or leave it out of spares",
      }),
    ];
  });
}

/** Says nothing while some use cannot be read or names no server: that one is probably meant. */
function unused(names: readonly string[], uses: readonly Use[], { groups, spares }: Draft): Problem[] {
  const lists = [spares, ...Object.values(groups ?? {})];
  const unclear = groups === undefined || lists.some((list) => list === undefined || list.includes(undefined));
  if (unclear || uses.some(({ server }) => !names.includes(server))) return [];
  return names
    .filter((name) => !uses.some(({ server }) => server === name))
    .map((name) =>
      warning("W_SPEC_UNUSED_SERVER", ["servers", name], {
        what: `${name} is in no group and no spare`,
        why: "it would be prepared and then stand idle, also when another server dies",
        fix: `put ${name} into a group or under spares, or remove it`,
      }),
    );
}
