// A node of the shipped program in a folder of its own, run as an operator runs it.
import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

export class ServedNode {
  /** `folder` is made; `settings` are further lines of firedrill.toml. Resolves once the node serves. */
  static async start(program, folder, settings = '') {
    const node = new ServedNode();
    node.program = program;
    node.folder = folder;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    node.place = ['--data', path.join(folder, 'node'), '--passphrase-file', path.join(folder, 'passphrase'),
      '--config', path.join(folder, 'firedrill.toml')];
    await writeFile(path.join(folder, 'passphrase'), randomBytes(24).toString('hex') + '\n', { mode: 0o600 });
    await writeFile(path.join(folder, 'firedrill.toml'), settings);
    await node.operate('init');
    await node.serve();
    return node;
  }

  /** One verb of the operator; its JSON answer. */
  async operate(...words) {
    const { stdout } = await run(this.program, [...words, ...this.place, '--json']);
    return JSON.parse(stdout);
  }

  /** A practice whose owner is invited: {invitation_code, recovery_code, …}. */
  makePractice(name, title, owner) {
    return this.operate('practice', 'create', name, '--title', title, '--owner', owner);
  }

  async serve() {
    this.process = spawn(this.program, ['serve', ...this.place, '--json', '--listen', '127.0.0.1:0'],
      { stdio: ['ignore', 'pipe', 'pipe'] });
    this.journal = '';
    this.process.stderr.on('data', (piece) => { this.journal += piece; });
    this.ended = new Promise((resolve) => { this.process.once('exit', resolve); });
    const lines = readline.createInterface({ input: this.process.stdout });
    const line = await Promise.race([
      new Promise((resolve) => { lines.once('line', resolve); }),
      this.ended.then((code) => { throw new Error(`the node ended with ${code}: ${this.journal}`); }),
    ]);
    const facts = JSON.parse(line);
    this.port = Number(facts.endpoint.split(':').at(-1));
    this.origin = `https://localhost:${this.port}`;
    this.authority = await readFile(facts.ca_file, 'utf8');
  }

  async stop() {
    this.process.kill('SIGTERM');
    const code = await this.ended;
    if (code !== 0) {
      throw new Error(`the node ended with ${code} when it was asked to stop: ${this.journal}`);
    }
  }
}
