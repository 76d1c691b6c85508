// Looker's side of the conversation with the page around it: as plain messages in JSON, or, for the Embed SDK
// (`sdk` in the query), over a channel of its own. Looker speaks only if the URL names an `embed_domain`.
const page = JSON.parse(document.body.dataset.page);
const query = new URLSearchParams(location.search);
const domain = query.get("embed_domain");
const thing = page[page.type];

// The numbers of the messages, as the Embed SDK has them.
const [SYN, ACK, MESSAGE, , RESPONSE] = [0, 1, 2, 3, 4];
const [SYN_ACK, HOST_MESSAGE, HOST_QUESTION] = [0, 1, 2];

let send = (event) => parent.postMessage(JSON.stringify(event), domain);

const tell = (type, more) => send({ type, eventType: type, ...more });

function run() {
  if (!thing) return;
  tell(`${page.type}:run:start`, { [page.type]: thing });
  tell(`${page.type}:run:complete`, { [page.type]: thing, status: "complete" });
}

function begin() {
  const { pathname, href } = location;
  tell("page:changed", { page: { type: page.type, id: thing?.id, title: document.title, url: pathname, absoluteUrl: href, lookerVersion: page.version } });
  if (page.type === "dashboard") tell("dashboard:loaded", { dashboard: thing, status: "complete" });
  run();
}

const heard = {
  // Tokens are asked for at the beginning of a cookieless session.
  "session:tokens": () => begin(),
  "dashboard:run": run,
  "look:run": run,
  "dashboard:filters:update": ({ filters }) => {
    Object.assign(thing.dashboard_filters, filters);
    tell("dashboard:filters:changed", { dashboard: thing });
  },
  "page:load": ({ url }) => location.assign(url),
  "dashboard:load": ({ id }) => location.assign(`/embed/dashboards/${encodeURIComponent(id)}${location.search}`),
};

function start() {
  tell("session:status", { expired: false, interrupted: false, session_ttl: page.seconds });
  if (page.cookieless) tell("session:tokens:request");
  else begin();
}

function connect() {
  const { port1, port2 } = new MessageChannel();
  send = (event) => port1.postMessage({ action: MESSAGE, data: { eventName: event.type, payload: [event] } });
  port1.onmessage = ({ data: { action, data } }) => {
    if (action === SYN_ACK) {
      port1.postMessage({ action: ACK, data: {} });
      start();
    } else if (action === HOST_MESSAGE || action === HOST_QUESTION) {
      heard[data.eventName]?.(...[data.payload].flat());
      if (action === HOST_QUESTION) {
        const { eventName, sequence } = data;
        port1.postMessage({ action: RESPONSE, data: { eventName, payload: [], sequence } });
      }
    }
  };
  parent.postMessage({ action: SYN }, domain, [port2]);
}

if (domain && parent !== window) {
  if (query.has("sdk")) {
    connect();
  } else {
    addEventListener("message", ({ data, origin }) => {
      if (origin !== domain || typeof data !== "string") return;
      const message = JSON.parse(data);
      heard[message.type]?.(message);
    });
    start();
  }
}
