// Workers whose whole text lies in this script, so that the policy's digest of it covers them too.

/** Makes a function that starts Workers, each of which runs the text of `body`. */
function spawner(body) {
  const address = URL.createObjectURL(new Blob([`(${body})()`], { type: "text/javascript" }));
  const policy = self.trustedTypes?.createPolicy("unseen", { createScriptURL: () => address });
  return () => new Worker(policy ? policy.createScriptURL("") : address);
}
