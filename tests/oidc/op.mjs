// An independent, certified OpenID Connect provider on loopback, set up as the login of the Flemish government is: code flow, PKCE,
// RS256, the claims in the ID token. `node op.mjs PORT ADDRESS-OF-THE-TOOL PEOPLE-AS-JSON`
import Provider from 'oidc-provider';

const [port, tool, people] = process.argv.slice(2);
const persons = JSON.parse(people);

const provider = new Provider(`http://localhost:${port}`, {
  clients: [{
    client_id: 'kavo',
    client_secret: 'a-secret-of-the-test',
    redirect_uris: [`${tool}/aanmelden-met-eid/terug`],
    post_logout_redirect_uris: [`${tool}/`],
    response_types: ['code'],
    grant_types: ['authorization_code'],
  }],
  scopes: ['openid', 'profile', 'rrn', 'vo'],
  claims: {
    openid: ['sub'],
    profile: ['given_name', 'family_name'],
    rrn: ['rrn'],
    vo: ['vo_id', 'vo_doelgroepcode'],
  },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  cookies: { keys: ['only for a test'] },
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...persons[id] }) }),
});

provider.listen(Number(port), '127.0.0.1', () => console.log('ready'));
