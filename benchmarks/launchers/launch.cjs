// Runs a Node.js function as Lambda does, and nothing more; launch.py says how.
"use strict";
const fs = require("fs");
const Module = require("module");
const path = require("path");

const [handlerName, reportTo] = process.argv.slice(2);
const report = (what) => fs.writeSync(Number(reportTo), JSON.stringify(what) + "\n");

// The CDK's bundles take the host from ResponseURL but not its port, which in AWS is always 443. As soon as one of them
// loads https, and no sooner, the port that stands for it here is made that module's default.
const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request === "https" || request === "node:https") {
    loaded.globalAgent.defaultPort = Number(process.env.BENCHMARK_ANSWER_PORT);
    Module._load = load;
  }
  return loaded;
};

const context = () => {
  const ends = Date.now() + Number(process.env.BENCHMARK_TIMEOUT) * 1000;
  return {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    invokedFunctionArn: process.env.BENCHMARK_FUNCTION_ARN,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: "8f5b5a54-5a5c-4c3e-8a57-1c1d5d1f2e3a",
    getRemainingTimeInMillis: () => Math.max(0, ends - Date.now()),
  };
};

const [file, name] = handlerName.split(".");
const handler = require(path.join(process.env.LAMBDA_TASK_ROOT, file))[name];
report({ ready: true });

const answer = async (line) => {
  try {
    report({ result: (await handler(JSON.parse(line), context())) ?? null });
  } catch (error) {
    report({ error: { errorType: error.name, errorMessage: error.message } });
  }
};

let waiting = "";
let last = Promise.resolve();
process.stdin.on("data", (chunk) => {
  const lines = (waiting + chunk).split("\n");
  waiting = lines.pop();
  for (const line of lines) last = last.then(() => answer(line));
});
process.stdin.on("end", () => process.exit(0));
