// A proxy before an ACME server that simulates failures of a CA. Reads the mode from a file at every request.
//   lying-ca.ts ADDRESS PORT UPSTREAM CERTIFICATE KEY MODE-FILE OTHER-CERTIFICATE

const [
  address = '',
  port = '',
  upstream = '',
  certificate = '',
  key = '',
  modeFile = '',
  other = '',
] = process.argv.slice(2);

const problem = (
  status: number,
  type: string,
  detail: string,
  headers: Record<string, string> = {},
) =>
  Response.json(
    { type: `urn:ietf:params:acme:error:${type}`, detail, status },
    { status, headers: { 'Content-Type': 'application/problem+json', ...headers } },
  );

async function forward(request: Request): Promise<Response> {
  const { pathname, host } = new URL(request.url);
  const headers = new Headers(request.headers);
  // Pebble builds its URLs from the Host header, and checks the signed url against it
  headers.set('Host', host);
  headers.delete('Accept-Encoding');
  const body = request.method === 'POST' ? await request.arrayBuffer() : undefined;
  const tls = { rejectUnauthorized: false };
  return fetch(`${upstream}${pathname}`, {
    ...{ method: request.method, headers, tls, redirect: 'manual' },
    ...(body === undefined ? {} : { body }),
  });
}

Bun.serve({
  ...{ hostname: address, port: Number(port) },
  tls: { cert: Bun.file(certificate), key: Bun.file(key) },
  idleTimeout: 0,
  fetch: async (request) => {
    const { pathname, origin } = new URL(request.url);
    const mode = (await Bun.file(modeFile).text()).trim();
    if (mode === 'down') return problem(503, 'serverInternal', 'maintenance');
    if (mode === 'limited' && pathname.startsWith('/order-plz')) {
      return problem(429, 'rateLimited', 'too many orders', { 'Retry-After': '7200' });
    }
    if (pathname.startsWith('/advice/')) {
      const suggestedWindow = { start: '2026-01-02T00:00:00Z', end: '2026-01-03T00:00:00Z' };
      return Response.json({ suggestedWindow }, { headers: { 'Retry-After': '21600' } });
    }
    const answer = await forward(request);
    // The CA has processed the request, but the client gets no response
    if (mode.startsWith('silent ') && pathname.startsWith(mode.slice(7))) {
      await Bun.write(`${modeFile}.silent`, pathname);
      return new Promise<Response>(() => undefined);
    }
    if (mode === 'advice' && pathname === '/dir') {
      return Response.json({
        ...((await answer.json()) as object),
        renewalInfo: `${origin}/advice`,
      });
    }
    if (answer.status !== 200 || !pathname.startsWith('/certZ/')) return answer;
    const text = await answer.text();
    const first = `${text.split('-----END CERTIFICATE-----')[0]}-----END CERTIFICATE-----\n`;
    const lie = mode === 'cut' ? first : mode === 'other' ? await Bun.file(other).text() : text;
    return new Response(lie, { headers: { 'Content-Type': 'application/pem-certificate-chain' } });
  },
});
