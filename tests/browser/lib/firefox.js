// Debian's Firefox ESR with an empty profile, over WebDriver BiDi (W3C), which Firefox itself speaks. Certificates,
// CSP and every other check stay on.
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline';
import WebSocket from 'ws';
import { makeCertificateStore } from './trust.js';
import { kPatience } from './chromium.js';

const kSettings = `user_pref("remote.active-protocols", 1);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.aboutwelcome.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.normandy.enabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
`;

/** The first line of `stream` that matches; rejects when the process ends before. */
function lineOf(process, stream, pattern) {
  return new Promise((resolve, reject) => {
    const lines = readline.createInterface({ input: stream });
    lines.on('line', (line) => {
      const found = line.match(pattern);
      if (found) {
        resolve(found);
      }
    });
    process.once('exit', (code) => reject(new Error(`the browser ended with ${code} before it could be driven`)));
    process.once('error', reject);
  });
}

export class Firefox {
  /** A browser that trusts `authorities`; `folder` becomes its home. One window. */
  static async start(folder, authorities) {
    const one = new Firefox();
    const profile = path.join(folder, 'profile');
    await mkdir(profile, { recursive: true, mode: 0o700 });
    await makeCertificateStore(profile, authorities);
    await writeFile(path.join(profile, 'user.js'), kSettings);
    one.process = spawn('/usr/bin/firefox-esr',
      ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0'],
      { env: { ...process.env, HOME: folder, XDG_CACHE_HOME: folder, MOZ_HEADLESS: '1' },
        stdio: ['ignore', 'ignore', 'pipe'] });
    const [, address] = await lineOf(one.process, one.process.stderr, /WebDriver BiDi listening on (ws:\S+)/);
    await one.#connect(`${address}/session`);
    return one;
  }

  async #connect(address) {
    this.last = 0;
    this.pending = new Map();
    this.answers = [];
    this.socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      this.socket.once('open', resolve);
      this.socket.once('error', reject);
    });
    this.socket.on('message', (data) => this.#heard(JSON.parse(data)));
    await this.#ask('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: false } } });
    await this.#ask('session.subscribe', { events: ['network.responseStarted', 'browsingContext.load'] });
    const { contexts } = await this.#ask('browsingContext.getTree', {});
    this.context = contexts[0].context;
  }

  #heard(message) {
    if (message.type === 'event') {
      if (message.method === 'browsingContext.load') {
        this.loaded?.();
      } else if (message.params.navigation) {
        this.status = message.params.response.status; // of the page itself, the last of its redirects
      }
      return;
    }
    const { resolve, reject } = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (message.type === 'success') {
      resolve(message.result);
    } else {
      reject(new Error(`Firefox: ${message.error}: ${message.message}`));
    }
  }

  #ask(method, params) {
    this.last += 1;
    return new Promise((resolve, reject) => {
      this.pending.set(this.last, { resolve, reject });
      this.socket.send(JSON.stringify({ id: this.last, method, params }));
    });
  }

  /** Does `act` and waits until the page that it leads to is there. Resolves to its status. */
  async #arrive(act) {
    let timer;
    const arrival = new Promise((resolve, reject) => {
      this.loaded = resolve;
      timer = setTimeout(() => reject(new Error('Firefox: no page came')), kPatience);
    });
    await act();
    await arrival;
    clearTimeout(timer);
    return this.status;
  }

  open(url) {
    return this.#arrive(() => this.#ask('browsingContext.navigate',
      { context: this.context, url, wait: 'none' }));
  }

  async #find(selector) {
    const { nodes } = await this.#ask('browsingContext.locateNodes',
      { context: this.context, locator: { type: 'css', value: selector } });
    if (nodes.length === 0) {
      throw new Error(`Firefox: the page has no ${selector}`);
    }
    return { type: 'element', element: { sharedId: nodes[0].sharedId } };
  }

  async click(selector) {
    const origin = await this.#find(selector);
    await this.#ask('script.callFunction', { target: { context: this.context }, awaitPromise: false,
      functionDeclaration: '(one) => one.scrollIntoView({ block: "center" })', arguments: [origin.element] });
    await this.#ask('input.performActions', { context: this.context, actions: [{ type: 'pointer', id: 'mouse',
      actions: [{ type: 'pointerMove', x: 0, y: 0, origin }, { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 }] }] });
  }

  /** Presses a button that sends a form. Resolves to the status of the page that comes. */
  press(selector) {
    return this.#arrive(() => this.click(selector));
  }

  async type(selector, text) {
    await this.click(selector);
    const actions = [...text].flatMap((value) => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
    await this.#ask('input.performActions', { context: this.context,
      actions: [{ type: 'key', id: 'keyboard', actions }] });
  }

  async text() {
    const { result } = await this.#ask('script.evaluate', { target: { context: this.context },
      expression: 'document.body.innerText', awaitPromise: false });
    return result.value;
  }

  async close() {
    this.socket?.close();
    if (this.process.exitCode === null) {
      const ended = new Promise((resolve) => { this.process.once('exit', resolve); });
      this.process.kill('SIGTERM');
      await ended;
    }
  }
}
