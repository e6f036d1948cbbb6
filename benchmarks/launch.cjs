// Runs a Node.js function as Lambda does, with nothing on top: a small client of the Runtime API, which the real
// client (it doesn't build everywhere) can only be slower than.
"use strict";
const http = require("http");
const Module = require("module");
const path = require("path");

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

const agent = new http.Agent({ keepAlive: true });
const call = (method, route, body) =>
  new Promise((resolve, reject) => {
    const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/${route}`;
    const request = http.request(url, { method, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => (text += chunk));
      response.on("end", () => resolve({ headers: response.headers, text }));
    });
    request.on("error", reject).end(body === undefined ? undefined : JSON.stringify(body));
  });

const main = async () => {
  const [file, name] = process.argv[2].split(".");
  const handler = require(path.join(process.env.LAMBDA_TASK_ROOT, file))[name];
  for (;;) {
    const { headers, text } = await call("GET", "invocation/next");
    const id = headers["lambda-runtime-aws-request-id"];
    const context = {
      awsRequestId: id,
      functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
      invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
      logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
      getRemainingTimeInMillis: () => Number(headers["lambda-runtime-deadline-ms"]) - Date.now(),
    };
    try {
      const result = await handler(JSON.parse(text), context);
      await call("POST", `invocation/${id}/response`, result ?? null);
    } catch (error) {
      await call("POST", `invocation/${id}/error`, { errorType: error.name, errorMessage: error.message });
    }
  }
};

main();
