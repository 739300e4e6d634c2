// Starts Workers whose source is part of this script, so that the policy's digest covers it too.

/** Return a function that starts a Worker running the body of `source`. */
function workerFactory(source) {
  const url = URL.createObjectURL(new Blob([`(${source})()`], { type: "text/javascript" }));
  const policy = self.trustedTypes?.createPolicy("unseen", { createScriptURL: () => url });
  return () => new Worker(policy ? policy.createScriptURL("") : url);
}
