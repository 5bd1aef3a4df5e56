// How a page is looked at: nothing that axe-core finds, no word of the console, nothing wider than the window.
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe-core finds on the page, a sentence each; every rule that it has for this page. */
export async function inaccessible(page) {
  await page.evaluate(axeSource); // through the debugger: the page's own policy lets no script in
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, {
    resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } }));
  return violations.flatMap(({ id, help, nodes }) => nodes.map(
    (node) => `axe ${id}: ${help} at ${node.target.join(' ')}: ${node.html.slice(0, 200)}`));
}

/** Whether one must scroll sideways, and to what. */
export async function tooWide(page) {
  return page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) {
      return [];
    }
    const wide = [...document.querySelectorAll('body *')].filter(
      (one) => one.getBoundingClientRect().right > width + 1);
    return wide.slice(-3).map((one) => `wider than the window of ${width}: ${one.outerHTML.slice(0, 120)}`);
  });
}

/** A picture of the whole page, at <folder>/<size>/<number>-<title>.png. */
export class Album {
  constructor(folder) {
    this.folder = folder;
    this.counts = new Map();
  }

  async keep(page, size) {
    const count = (this.counts.get(size) ?? 0) + 1;
    this.counts.set(size, count);
    const title = (await page.title()).toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 48);
    await mkdir(path.join(this.folder, size), { recursive: true });
    await page.screenshot({ fullPage: true, timeout: 0,
      path: path.join(this.folder, size, `${String(count).padStart(2, '0')}-${title}.png`) });
  }
}
