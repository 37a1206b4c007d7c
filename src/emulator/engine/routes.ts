import type { IncomingMessage, ServerResponse } from "node:http";
import type { AuthLevel } from "./auth.ts";
import type { HttpError } from "./http-error.ts";
import { loads } from "./loads.ts";
import { metricsText } from "./metrics.ts";
import { nativeGenerate } from "./native-generate.ts";
import { chatCompletions } from "./openai-chat.ts";
import { completions } from "./openai-completions.ts";
import { chatPrompt } from "./prompt.ts";
import type { Scheduler } from "./scheduler.ts";
import { modelInfo, modelList, serverInfo } from "./server-info.ts";
import type { EngineSettings } from "./settings.ts";
import type { ServingState } from "./state.ts";
import { decode, encode } from "./tokenizer.ts";

/** One HTTP request in the hands of an endpoint. */
export interface Exchange {
  settings: EngineSettings;
  scheduler: Scheduler;
  state: ServingState;
  request: IncomingMessage;
  response: ServerResponse;
  url: URL;
  /** Parsed JSON body; empty for GET. */
  body: Record<string, unknown>;
  json(status: number, value: unknown): void;
  text(status: number, text: string, type?: string): void;
  empty(status: number): void;
  refuse(error: HttpError): void;
}

export interface Route {
  methods: readonly string[];
  level: AuthLevel;
  /** The endpoint insists on `content-type: application/json`. */
  needsJson?: boolean;
  run(exchange: Exchange): void | Promise<void>;
}

const get = (run: Route["run"], level: AuthLevel = "normal"): Route => ({ methods: ["GET"], level, run });
const post = (run: Route["run"], level: AuthLevel = "normal"): Route => ({ methods: ["POST"], level, run });
const postJson = (run: Route["run"]): Route => ({ methods: ["POST"], level: "normal", needsJson: true, run });

const health =
  (path: string) =>
  async ({ state, empty }: Exchange): Promise<void> =>
    empty(await state.health(path));

const tokenize = ({ settings, body, json }: Exchange): void => {
  const ids = Array.isArray(body.messages) ? chatPrompt(settings, body).ids : encode(String(body.prompt ?? ""));
  json(200, { tokens: ids, count: ids.length, max_model_len: settings.contextLength });
};
const detokenize = ({ body, json }: Exchange): void =>
  json(200, { text: decode(Array.isArray(body.tokens) ? (body.tokens as number[]) : []) });

/** Endpoints of rank 0's server (srt/entrypoints/http_server.py). */
export const leaderRoutes: Record<string, Route> = {
  "/health": get(health("/health")),
  "/health_generate": get(health("/health_generate")),
  "/ready": get(({ state, empty }) => empty(state.ready ? 200 : 503)),
  "/ping": get(({ state, empty }) => empty(state.healthy ? 200 : 503)),
  "/model_info": get(modelInfo),
  "/get_model_info": get(modelInfo),
  "/server_info": get(serverInfo),
  "/get_server_info": get(serverInfo),
  "/v1/models": get(modelList),
  "/v1/loads": get(loads),
  "/metrics": get((exchange) => metrics(exchange)),
  "/v1/chat/completions": postJson(chatCompletions),
  "/v1/completions": postJson(completions),
  "/generate": { methods: ["POST", "PUT"], level: "normal", run: nativeGenerate },
  "/tokenize": postJson(tokenize),
  "/v1/tokenize": postJson(tokenize),
  "/detokenize": postJson(detokenize),
  "/v1/detokenize": postJson(detokenize),
  "/abort_request": post(({ body, scheduler, empty }) => {
    // Unknown ids are not an error; several choices of one request carry its id and a number.
    const rid = typeof body.rid === "string" ? body.rid : "";
    scheduler.abort(body.abort_all === true ? "all" : [rid]);
    empty(200);
  }, "admin-optional"),
  "/pause_generation": post(({ body, scheduler, json }) => {
    const mode = body.mode === "in_place" || body.mode === "retract" ? body.mode : "abort";
    scheduler.pause(mode);
    json(200, { message: "Generation paused successfully.", status: "ok" });
  }, "admin-optional"),
  "/continue_generation": post(({ scheduler, json }) => {
    scheduler.resume();
    json(200, { message: "Generation continued successfully.", status: "ok" });
  }, "admin-optional"),
  "/flush_cache": {
    methods: ["GET", "POST"],
    level: "admin-optional",
    run: ({ scheduler, text }) =>
      scheduler.flush()
        ? text(
            200,
            "Cache flushed.\nPlease check backend logs for more details. (When there are running or waiting requests, the operation will not be performed.)\n",
          )
        : text(400, "Flush cache failed.\n"),
  },
};

/** Endpoints of every other server: a dummy that always says yes (utils/common.py:3624). */
export const workerRoutes: Record<string, Route> = {
  "/ping": get(({ empty }) => empty(200)),
  "/health": get(({ empty }) => empty(200)),
  "/health_generate": get(({ empty }) => empty(200)),
  "/metrics": get((exchange) => metrics(exchange)),
};

function metrics({ settings, scheduler, text, json }: Exchange): void {
  if (!settings.enableMetrics) json(404, { detail: "Not Found" });
  else text(200, metricsText(settings, scheduler), "text/plain; version=0.0.4; charset=utf-8");
}
