import { ResourceProviderService } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { resourceTypes } from "../resources/index.ts";
import { servePlugin } from "../wire/serve.ts";
import { providerService } from "./service.ts";

const engineAddress = process.argv.slice(2).find((word) => !word.startsWith("-"));
const { methods, abandon } = providerService(resourceTypes, "0.1.0", engineAddress);
await servePlugin(ResourceProviderService, methods, abandon);
