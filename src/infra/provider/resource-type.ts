import type { z } from "zod";

/** What an operation may use besides its inputs. */
export interface Operation {
  urn: string;
  /** Aborts when the operator cancels, or when the resource's own time limit is over. */
  signal: AbortSignal;
  /** One line of the resource's row while it works; it is gone when the next one comes. */
  progress(message: string): void;
  /** Stays in the update's log. */
  warn(message: string): void;
}

export interface Existing<Inputs, Outputs> {
  id: string;
  /** The inputs of the last update; empty only while a resource is imported. */
  inputs: Inputs;
  /** What the last operation returned, inputs included. A create that failed half-way leaves some out. */
  outputs: Partial<Outputs>;
}

export interface Made<Outputs> {
  id: string;
  outputs: Outputs;
}

/**
 * One kind of resource. Inputs and outputs are plain values: marks for secrets and unknown values never get here, and
 * an operation runs only when everything is known.
 *
 * Every `create` adopts what an interrupted run of the same resource left, and never something foreign; `update` may
 * also be asked to finish a create that failed after the thing existed; `remove` of what is gone succeeds.
 */
export interface ResourceType<Inputs, Outputs extends object> {
  /** For example `tandem:index:Manifest`. Tokens are state: never rename one. */
  token: string;
  inputs: z.ZodObject;
  /** Names and one-line descriptions of what the resource adds to its inputs. */
  outputs: Record<string, string>;
  /** Inputs and outputs that are always secret, whatever the program said. */
  secrets: readonly string[];
  /** Top-level inputs that cannot change in place. */
  replaceOn: readonly string[];
  /** Inputs (by printed path, `node.images[0].path`) whose change alone is no change of the resource. */
  quiet?: (path: string) => boolean;
  /** Outputs that an update may change; a preview shows them as unknown. */
  changedByUpdate?: readonly string[];
  /** Called whenever the resource is compared with its inputs, to warn about what an unchanged resource would hide. */
  look?(existing: Existing<Inputs, Outputs>, operation: Operation): Promise<void>;
  create(inputs: Inputs, operation: Operation): Promise<Made<Outputs>>;
  /** The present state, or null if the thing is gone. `inputs` differ from the given ones where reality does. */
  read(existing: Existing<Inputs, Outputs>, operation: Operation): Promise<{ inputs: Inputs; outputs: Outputs } | null>;
  update(existing: Existing<Inputs, Outputs>, inputs: Inputs, operation: Operation): Promise<Outputs>;
  remove(existing: Existing<Inputs, Outputs>, operation: Operation): Promise<void>;
}

/** Any resource type, with what it takes and gives forgotten. */
// biome-ignore lint/suspicious/noExplicitAny: the service looks types up by token and cannot know their fields.
export type AnyResourceType = ResourceType<any, any>;

/**
 * The thing exists but is not ready. Pulumi then keeps it in the state, and the next `up` calls `update` to finish it
 * instead of making a second one.
 */
export class UnfinishedResource extends Error {
  readonly id: string;
  readonly outputs: object;

  constructor(id: string, outputs: object, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = "UnfinishedResource";
    this.id = id;
    this.outputs = outputs;
  }
}
