// Runs a Node.js function as Lambda does, with nothing on top. launch.py describes how.
"use strict";
const fs = require("fs");
const Module = require("module");
const path = require("path");

const [handlerName, reportTo] = process.argv.slice(2);
const report = (what) => fs.writeSync(Number(reportTo), JSON.stringify(what) + "\n");

// The CDK's functions ignore the port of ResponseURL, because in AWS it is always 443. The port of the local endpoint
// therefore becomes the default of the https module, as soon as a function loads that module and no sooner.
const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request === "https" || request === "node:https") {
    loaded.globalAgent.defaultPort = Number(process.env.BENCHMARK_RESPONSE_PORT);
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

// The next event comes when the result of this one was reported, so a chunk is a part of one line at most.
let line = "";
process.stdin.on("data", async (chunk) => {
  line += chunk;
  if (!line.endsWith("\n")) return;
  const event = JSON.parse(line);
  line = "";
  try {
    report({ result: (await handler(event, context())) ?? null });
  } catch (error) {
    report({ error: { errorType: error.name, errorMessage: error.message } });
  }
});
process.stdin.on("end", () => process.exit(0));
