import type { ServerEvidence } from "../health/server-evidence.ts";
import type { GroupTraffic } from "../health/silence.ts";
import { nearby, request } from "../http-request.ts";

/** Between two questions to one group. */
const EVERY_MS = 1_000;
const GIVE_UP_MS = 5_000;
/** A question that is younger says nothing yet: a busy engine answers the next step. */
const UNANSWERED_AFTER_MS = 600;

interface Question {
  askedMs: number;
  pending: boolean;
  /** The first question that nobody has answered since the last answer. */
  unansweredMs: number | null;
  answeredMs: number | null;
}

/**
 * A silent server is only lost if its group is silent too. While one is not heard its group is asked for a token, which all
 * ranks must take part in; at other times nobody is asked, so that the reconciler is no load.
 */
export class Canaries {
  readonly #questions = new Map<string, Question>();
  readonly #onAnswer: () => void;

  constructor(onAnswer: () => void) {
    this.#onAnswer = onAnswer;
  }

  /** Asks where it is time, and tells what is known of the group's tokens. */
  traffic(
    group: string,
    run: "stopped" | "starting" | "serving",
    members: readonly ServerEvidence[],
    engine: { urls: readonly string[]; model: string },
    progressMs: number | undefined,
    atMs: number,
    blindAfterMs: number,
    listeningSinceMs: number,
  ): GroupTraffic {
    const blind = members
      .map(({ lastHeardMs }) => lastHeardMs ?? listeningSinceMs)
      .filter((heardMs) => atMs - heardMs > blindAfterMs);
    // Only a token that came after the silence began says anything about it.
    const news = (tokenMs: number) => (tokenMs > Math.min(...blind) ? tokenMs : null);
    if (blind.length === 0 || run !== "serving") {
      this.#questions.delete(group);
      // What Kubernetes calls ready may be old; a token of this minute is not.
      return { lastTokenMs: news(progressMs ?? 0), unansweredCanarySinceMs: null, owesNone: true };
    }
    const question = this.#ask(group, engine, atMs);
    return {
      lastTokenMs: news(Math.max(question.answeredMs ?? 0, progressMs ?? 0)),
      unansweredCanarySinceMs:
        question.unansweredMs !== null && atMs - question.unansweredMs >= UNANSWERED_AFTER_MS
          ? question.unansweredMs
          : null,
    };
  }

  #ask(group: string, { urls, model }: { urls: readonly string[]; model: string }, atMs: number): Question {
    const known = this.#questions.get(group);
    const question = known ?? {
      askedMs: Number.NEGATIVE_INFINITY,
      pending: false,
      unansweredMs: null,
      answeredMs: null,
    };
    this.#questions.set(group, question);
    if (question.pending || atMs - question.askedMs < EVERY_MS) return question;
    question.pending = true;
    question.askedMs = atMs;
    question.unansweredMs ??= atMs;
    // Any of its servers may hold the leader; the others know no such path.
    void Promise.any(urls.map((url) => askOne(url, model)))
      .then(
        () => {
          question.answeredMs = performance.now();
          question.unansweredMs = null;
        },
        () => {},
      )
      .finally(() => {
        question.pending = false;
        this.#onAnswer();
      });
    return question;
  }
}

/** Resolves when the engine says something that a dead one cannot; a full queue refuses, and is alive. */
async function askOne(url: string, model: string): Promise<void> {
  const { statusCode, body } = await request(new URL("/v1/completions", url), {
    dispatcher: nearby,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, prompt: "canary", max_tokens: 1, temperature: 0, ignore_eos: true }),
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  await body.dump();
  if (![200, 429, 503].includes(statusCode)) throw new Error(`${url} answered ${statusCode}`);
}
