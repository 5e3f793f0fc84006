// Invoke a handler with events, as Lambda's runtime would; see ../worker.py for arguments and result.
import fs from "node:fs";
import readline from "node:readline";

const [module, eventsPath, warmUp, resultPath] = process.argv.slice(2);
const { handler } = await import(module);

const lines = readline.createInterface({ input: fs.createReadStream(eventsPath) });
const events = [];
for await (const line of lines) events.push(line);

// With a callback the runtime ends an invocation when the event loop is empty, which Node.js tells by `beforeExit`.
const invoke = (event) =>
  new Promise((resolve, reject) => {
    const answer = handler(event, {}, (error) => (error ? reject(error) : undefined));
    if (answer instanceof Promise) answer.then(resolve, reject);
    else process.once("beforeExit", resolve);
  });

let wall = [];
let cpu = [];
for (const [number, line] of events.entries()) {
  if (number === Number(warmUp)) {
    await fetch(process.env.AWS_ENDPOINT_URL + "/_bench/reset", { headers: { connection: "close" } });
    [wall, cpu] = [[], []];
  }
  const cpuStart = process.cpuUsage();
  const start = performance.now();
  await invoke(JSON.parse(line));
  const end = performance.now();
  const used = process.cpuUsage(cpuStart);
  wall.push((end - start) / 1000);
  cpu.push((used.user + used.system) / 1e6);
}
const peak = Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
fs.writeFileSync(resultPath, JSON.stringify({ wall, cpu, peak }));
