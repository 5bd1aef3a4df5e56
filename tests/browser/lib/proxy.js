// A TLS proxy before a node, with an authority of its own: it sees the heads that a browser sends, in order and
// case, and may change what comes back. For recording heads, and for servers as they must not be.
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

async function makeCertificate(folder) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const at = (name) => path.join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await run('openssl', ['req', '-x509', ...key, '-days', '2', '-subj', '/CN=Authority of a proxy',
    '-keyout', at('authority.key'), '-out', at('authority.pem')]);
  await run('openssl', ['req', ...key, '-subj', '/CN=localhost', '-keyout', at('site.key'), '-out', at('site.csr')]);
  await writeFile(at('site.ext'), 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth\n');
  await run('openssl', ['x509', '-req', '-days', '2', '-in', at('site.csr'), '-CA', at('authority.pem'),
    '-CAkey', at('authority.key'), '-CAcreateserial', '-extfile', at('site.ext'), '-out', at('site.pem')]);
}

export class Proxy {
  /** `change({head, body, path})` may alter an answer in place; head is the list of names and values in turns. */
  static async start(node, folder, change = () => {}) {
    const proxy = new Proxy();
    proxy.heads = [];
    await makeCertificate(folder);
    const read = (name) => readFile(path.join(folder, name), 'utf8');
    proxy.authority = await read('authority.pem');
    proxy.server = https.createServer({ key: await read('site.key'), cert: await read('site.pem') },
      (request, response) => proxy.#pass(node, request, response, change));
    await new Promise((resolve) => { proxy.server.listen(0, '127.0.0.1', resolve); });
    proxy.origin = `https://localhost:${proxy.server.address().port}`;
    return proxy;
  }

  async #pass(node, request, response, change) {
    const pieces = [];
    for await (const piece of request) {
      pieces.push(piece);
    }
    const { method, url, rawHeaders } = request;
    this.heads.push({ method, path: url, fields: rawHeaders });
    const onward = https.request({ host: '127.0.0.1', port: node.port, servername: 'localhost', ca: node.authority,
      method, path: url, headers: rawHeaders }, async (answer) => {
      const body = [];
      for await (const piece of answer) {
        body.push(piece);
      }
      const whole = { path: url, head: answer.rawHeaders, body: Buffer.concat(body) };
      change(whole);
      response.writeHead(answer.statusCode, whole.head);
      response.end(whole.body);
    });
    onward.on('error', () => response.destroy());
    onward.end(Buffer.concat(pieces));
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((resolve) => { this.server.close(resolve); });
  }
}

/** Exchanges the value of a field of an answer. */
export function exchange(answer, name, value) {
  for (let i = 0; i < answer.head.length; i += 2) {
    if (answer.head[i].toLowerCase() === name) {
      answer.head[i + 1] = value;
    }
  }
}
