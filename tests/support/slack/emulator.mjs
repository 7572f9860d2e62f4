// Starts the Slack of the package `emulate` on a free port of 127.0.0.1, and prints its URL.
// Arguments: the package's folder, and the workspace as JSON. Ends when standard input does.
import { pathToFileURL } from "node:url";

const [folder, workspace] = process.argv.slice(2);
const { createEmulator } = await import(pathToFileURL(`${folder}/dist/api.js`).href);
const { url } = await createEmulator({
  service: "slack",
  port: 0,
  hostname: "127.0.0.1",
  seed: { slack: JSON.parse(workspace) },
});
console.log(url.replace("localhost", "127.0.0.1"));
process.stdin.on("end", () => process.exit()).resume();
