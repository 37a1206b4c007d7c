import * as pulumi from "@pulumi/pulumi";

// The program's side of the resource types of src/infra/resources. Computed outputs are declared as undefined inputs, or
// the SDK would not make properties of them.

export class LocalMachine extends pulumi.CustomResource {
  declare readonly hostKey: pulumi.Output<string>;
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:LocalMachine", name, { ...args, container: undefined, hostKey: undefined }, options);
  }
}

export class PreparedServer extends pulumi.CustomResource {
  declare readonly machineId: pulumi.Output<string>;
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:PreparedServer", name, { ...args, machineId: undefined }, options);
  }
}

export class ControlPlaneNode extends pulumi.CustomResource {
  declare readonly kubeconfig: pulumi.Output<string>;
  declare readonly caHash: pulumi.Output<string>;
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    const secrets = { additionalSecretOutputs: ["kubeconfig"] };
    const outputs = { kubeconfig: undefined, caHash: undefined };
    super("tandem:index:ControlPlaneNode", name, { ...args, ...outputs }, { ...options, ...secrets });
  }
}

export class SettledControlPlane extends pulumi.CustomResource {
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:SettledControlPlane", name, args, options);
  }
}

export class WorkerNode extends pulumi.CustomResource {
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:WorkerNode", name, args, options);
  }
}

export class JoinedServer extends pulumi.CustomResource {
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:JoinedServer", name, args, options);
  }
}

export class ManifestResource extends pulumi.CustomResource {
  constructor(name: string, args: pulumi.Inputs, options?: pulumi.CustomResourceOptions) {
    super("tandem:index:Manifest", name, { ...args, uid: undefined }, options);
  }
}
