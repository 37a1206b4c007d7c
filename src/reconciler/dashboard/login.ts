import type { IncomingMessage, ServerResponse } from "node:http";
import { loginPage } from "../../report/html/dashboard/login-page.ts";
import { sendOn, sendPage } from "./answers.ts";
import { cookieOf, isFromElsewhere, readForm } from "./forms.ts";
import { type KnownVisitor, SESSION_MS, type Visitors } from "./visitors.ts";

/** Wrong keys that are told of in a minute. A key has 192 bits and the right one always comes in: this keeps the log quiet. */
const MAX_WRONG = 30;
const WINDOW_MS = 60_000;

/** Login, session and logout of one stack's page. */
export class Login {
  readonly #stack: string;
  readonly #visitors: Visitors;
  readonly #cookie: string;
  readonly #isSecure: boolean;
  readonly #onWrong: () => void;
  #wrongMs: number[] = [];

  constructor(stack: string, visitors: Visitors, isSecure: boolean, onWrong: () => void) {
    this.#stack = stack;
    this.#visitors = visitors;
    this.#isSecure = isSecure;
    this.#onWrong = onWrong;
    // Cookies know no port: two stacks on one loopback address need two names.
    this.#cookie = `${isSecure ? "__Host-" : ""}tandem-${stack}`;
  }

  visitor(request: IncomingMessage): KnownVisitor | null {
    const { authorization } = request.headers;
    if (authorization !== undefined) return this.#visitors.byKey(authorization);
    return this.#visitors.bySession(cookieOf(request, this.#cookie), Date.now());
  }

  ask(response: ServerResponse, problem: string | null = null, status = 401): void {
    sendPage(response, status, loginPage(this.#stack, problem), {
      "www-authenticate": 'Bearer realm="tandem dashboard"',
    });
  }

  async begin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (isFromElsewhere(request)) return this.ask(response, "This form came from another page.", 403);
    const form = await readForm(request);
    const visitor = this.#visitors.byKey(`Bearer ${form?.key?.trim() ?? ""}`);
    if (visitor === null) return this.#refuse(response);
    sendOn(response, "./", {
      "set-cookie": this.#setCookie(this.#visitors.begin(visitor, Date.now()), SESSION_MS / 1000),
    });
  }

  #refuse(response: ServerResponse): void {
    const nowMs = performance.now();
    this.#wrongMs = this.#wrongMs.filter((atMs) => nowMs - atMs < WINDOW_MS);
    if (this.#wrongMs.length >= MAX_WRONG) {
      this.ask(response, "Too many wrong keys: wait a minute.", 429);
      return;
    }
    this.#wrongMs.push(nowMs);
    this.#onWrong();
    this.ask(response, "This key opens nothing here.");
  }

  end(response: ServerResponse): void {
    sendOn(response, "./", { "set-cookie": this.#setCookie("", 0) });
  }

  #setCookie(value: string, maxAgeSeconds: number): string {
    const secure = this.#isSecure ? "; Secure" : "";
    return `${this.#cookie}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
  }
}
