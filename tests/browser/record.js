// Records what real browsers send: node record.js PROGRAM FOLDER writes FOLDER/chromium.txt and FOLDER/firefox.txt.
// `./dev test --record-heads` does it with tests/browser/heads as the folder.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChromium } from './lib/chromium.js';
import { chromiumHands, firefoxHands, runErrand } from './lib/errand.js';
import { Firefox } from './lib/firefox.js';
import { writeHead } from './lib/heads.js';
import { Proxy } from './lib/proxy.js';
import { kPassword, makeOpenPractice, withNode } from './lib/scene.js';

/** The heads of one errand, style sheets and icons left out. */
async function headsOf(node, folder, practice, drive) {
  const proxy = await Proxy.start(node, path.join(folder, 'proxy'));
  try {
    await drive(proxy);
    return proxy.heads.filter(({ path: at }) => !/\.(css|ico)$/.test(at)).map(writeHead).map(
      (text) => text.replace(/\/thanks\/[0-9a-f]+/g, '/thanks/ID'));
  } finally {
    await proxy.stop();
  }
}

export async function chromiumHeads(node, folder, practice) {
  return headsOf(node, folder, practice, async (proxy) => {
    const browser = await startChromium(path.join(folder, 'home'), [proxy.authority]);
    try {
      const page = await (await browser.newContext()).newPage();
      await runErrand(chromiumHands(page), proxy.origin, practice, kPassword);
    } finally {
      await browser.close();
    }
  });
}

export async function firefoxHeads(node, folder, practice) {
  return headsOf(node, folder, practice, async (proxy) => {
    const browser = await Firefox.start(path.join(folder, 'home'), [proxy.authority]);
    try {
      await runErrand(firefoxHands(browser), proxy.origin, practice, kPassword);
    } finally {
      await browser.close();
    }
  });
}

const [, self, program, target] = process.argv;
if (path.resolve(self) === fileURLToPath(import.meta.url) && target) {
  await withNode(path.resolve(program), async (folder, node) => {
    await makeOpenPractice(node, folder, 'alpha', 'Alpha');
    await mkdir(target, { recursive: true });
    for (const [name, heads] of [['chromium', chromiumHeads], ['firefox', firefoxHeads]]) {
      const all = await heads(node, path.join(folder, name), 'alpha');
      await writeFile(path.join(target, `${name}.txt`),
        `# What a real browser sends, in order. Made by ./dev test --record-heads.\n\n${all.join('\n\n')}\n`);
    }
  });
}
