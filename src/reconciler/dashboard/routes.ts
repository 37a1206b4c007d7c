import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "pino";
import { dashboardPage, type Visitor } from "../../report/html/dashboard/page.ts";
import { openEvents, sendJson, sendOn, sendPage } from "./answers.ts";
import { drillPage, sendDrill } from "./drill.ts";
import type { EventHub } from "./event-hub.ts";
import type { Feed } from "./feed.ts";
import { isFromElsewhere, readForm } from "./forms.ts";
import type { Login } from "./login.ts";
import { type OrderParts, type Sent, sendSwitchover, switchoverPage } from "./switchover.ts";
import { isOwnForm, type KnownVisitor } from "./visitors.ts";

export interface RouteParts {
  feed: Feed;
  hub: EventHub;
  login: Login;
  orders: OrderParts;
  log: Logger;
}

const ORDERS: Record<string, { page: typeof switchoverPage; send: typeof sendSwitchover }> = {
  "/switchover": { page: switchoverPage, send: sendSwitchover },
  "/drill": { page: drillPage, send: sendDrill },
};

/** Answers one request: first who asks, then whether they may, then what. */
export async function answer(parts: RouteParts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { login } = parts;
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  if (path === "/login" && request.method === "POST") return login.begin(request, response);
  if (path === "/favicon.ico") return void response.writeHead(204).end();
  const visitor = login.visitor(request);
  if (visitor === null) {
    if (path === "/state" || path === "/events")
      return sendJson(response, 401, { error: "want a key of the dashboard" });
    return login.ask(response);
  }
  if (request.method === "GET" || request.method === "HEAD") return look(parts, path, visitor, request, response);
  if (request.method !== "POST") return sendJson(response, 405, { error: "want GET or POST" }, { allow: "GET, POST" });
  return order(parts, path, visitor, request, response);
}

function look(
  { feed, hub, login, orders }: RouteParts,
  path: string,
  visitor: KnownVisitor,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const shown = shownTo(visitor);
  const found = ORDERS[path];
  if (path === "/") sendPage(response, 200, dashboardPage(feed.dashboard(), shown));
  else if (path === "/login") sendOn(response, "./");
  else if (path === "/state") sendJson(response, 200, feed.dashboard());
  else if (path === "/events" && hub.isFull)
    sendJson(response, 503, { error: "too many look at this replica" }, { "retry-after": "10" });
  else if (path === "/events") {
    openEvents(response);
    // A key that was taken back, and a session that is over, end what they have opened.
    hub.add(response, () => login.visitor(request) !== null);
  } else if (found === undefined)
    sendJson(response, 404, { error: "there is /, /state, /events, /switchover, /drill" });
  else if (visitor.role === "operator") sendPage(response, 200, found.page(orders, shown));
  else sendJson(response, 403, lookOnly(visitor));
}

async function order(
  { login, orders, log }: RouteParts,
  path: string,
  visitor: KnownVisitor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isFromElsewhere(request)) return sendJson(response, 403, { error: "this form came from another page" });
  const form = await readForm(request);
  if (form === null) return sendJson(response, 400, { error: "want a form, or JSON with texts" });
  if (!isOwnForm(visitor, form.csrf)) return sendJson(response, 403, { error: "this form is not of this session" });
  if (path === "/logout") return login.end(response);
  const found = ORDERS[path];
  if (found === undefined) return sendJson(response, 404, { error: "there is POST /switchover, /drill, /logout" });
  if (visitor.role !== "operator") return sendJson(response, 403, lookOnly(visitor));
  const sent: Sent = await found.send(orders, `${visitor.name} (dashboard)`, form);
  log.info({ path, by: visitor.name, sent }, "asked on the page");
  const wantsJson = visitor.csrf === null;
  if (wantsJson) return sendJson(response, sent.asked ? 202 : 409, sent);
  if (sent.asked) return sendOn(response, "./");
  sendPage(response, 409, found.page(orders, shownTo(visitor), sent.why));
}

const lookOnly = ({ name }: KnownVisitor) => ({ error: `the key ${name} may look only` });
const shownTo = ({ name, role, csrf }: KnownVisitor): Visitor => ({ name, role, csrf: csrf ?? "" });
