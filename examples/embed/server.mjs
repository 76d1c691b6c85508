// A product with a Looker dashboard in a page of its own: Looker's Embed SDK in the browser, embedctl for the signature.
//
//     npm install @looker/embed-sdk
//     embedctl emulator --tls --port 9999     # its variables into this shell
//     node examples/embed/server.mjs          # then open the address that it prints
//
// A browser has to accept the certificate of the local Looker first (open its address once), and to allow cookies of
// other sites in frames: where they are blocked, Looker has cookieless logins.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const { EMBEDCTL = "embedctl", LOOKERSDK_BASE_URL, PORT = "8000" } = process.env;
const modules = createRequire(`${process.cwd()}/`);
const page = readFileSync(new URL("index.html", import.meta.url));
const script = readFileSync(modules.resolve("@looker/embed-sdk/dist/main.js"));

// The URL that logs the person of this page in; in a product, whoever is logged in there.
function sign(path) {
  const person = ["--external-user-id=acme-42", "--first-name=Ada", "--model=demo", "--permission=access_data,see_user_dashboards"];
  return execFileSync(EMBEDCTL, ["url", "sign", path, ...person], { encoding: "utf8" }).trim();
}

const answers = {
  "/": () => ["text/html", page],
  "/embed-sdk.js": () => ["text/javascript", script],
  "/host": () => ["text/plain", new URL(LOOKERSDK_BASE_URL).host],
  "/auth": (query) => ["application/json", JSON.stringify({ url: sign(query.get("src")) })],
};

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const answer = answers[pathname];
  if (!answer) return response.writeHead(404).end();
  const [type, body] = answer(searchParams);
  response.writeHead(200, { "content-type": type }).end(body);
});
server.listen(Number(PORT), "localhost", () => console.log(`http://localhost:${server.address().port}`));
