// An identity provider: issuer.mjs PORT ALGORITHM…
// Gives JWT access tokens for client credentials, for the audience `tabellion` or another that is asked for. Each start has new keys, one for each algorithm;
// a token's header is that of the first unless the resource says another. Its first line says where it answers.
import { generateKeyPairSync, randomUUID } from "node:crypto";

import { errors, Provider } from "oidc-provider";

const [port, ...algorithms] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const made = {
  RS256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  PS256: () => generateKeyPairSync("rsa", { modulusLength: 3072 }),
  ES256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  EdDSA: () => generateKeyPairSync("ed25519"),
};
const keys = algorithms.map((alg) => ({
  ...made[alg]().privateKey.export({ format: "jwk" }),
  alg,
  kid: randomUUID(),
  use: "sig",
}));
const secret = "only-for-this-test-and-long-enough";
const client = (client_id) => ({
  client_id,
  client_secret: secret,
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: "client_secret_post",
});

// A resource is https://AUDIENCE.example/ALGORITHM/SECONDS: what the token is for, how it is signed and how long it lasts.
const provider = new Provider(issuer, {
  jwks: { keys },
  clients: [client("loan-agent"), client("stranger")],
  enabledJWA: { userinfoSigningAlgValues: algorithms, idTokenSigningAlgValues: algorithms },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo(_context, resource) {
        const { hostname, pathname } = new URL(resource);
        const [, alg, seconds] = pathname.split("/");
        if (!algorithms.includes(alg)) throw new errors.InvalidTarget();
        return {
          scope: "call",
          audience: hostname.replace(".example", ""),
          accessTokenFormat: "jwt",
          accessTokenTTL: Number(seconds),
          jwt: { sign: { alg } },
        };
      },
    },
  },
});
provider.on("server_error", (_context, error) => console.error(error));
provider.listen(Number(port), "127.0.0.1", () => console.log(issuer));
