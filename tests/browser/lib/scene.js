// What recordings and walks begin with: a scratch folder, a node with a practice whose owner has a password.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { ServedNode } from './served_node.js';

export const kPassword = 'seven tall herons by the mill';

/** Runs `body(folder, node)` and leaves nothing behind. */
export async function withNode(program, body) {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'firedrill-browser-'));
  let node;
  try {
    node = await ServedNode.start(program, path.join(folder, 'operator'));
    return await body(folder, node);
  } finally {
    await node?.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** A practice whose owner ("owner") has kPassword. */
export async function makeOpenPractice(node, folder, name, title) {
  const file = path.join(folder, `${name}.password`);
  await writeFile(file, kPassword + '\n', { mode: 0o600 });
  await node.operate('practice', 'create', name, '--title', title, '--owner', 'owner', '--password-file', file);
  return { name, title };
}
