// Walks through the shipped program with real browsers: node run.js PROGRAM SOURCE PICTURES.
// SOURCE is the source tree (docs/routes.md, tests/browser/heads); pictures of every page are left in PICTURES.
// One line a step; the last line is "N passed, N failed".
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { checkSteps } from './walks/checks.js';
import { patientSteps } from './walks/patient.js';
import { staffSteps } from './walks/staff.js';
import { startChromium } from './lib/chromium.js';
import { firefoxHands, runErrand } from './lib/errand.js';
import { Firefox } from './lib/firefox.js';
import { readHeads } from './lib/heads.js';
import { Album } from './lib/look.js';
import { Proxy } from './lib/proxy.js';
import { readRoutes, VisitorsBook } from './lib/routes.js';
import { kPassword, makeOpenPractice, withNode } from './lib/scene.js';
import { Tally } from './lib/tally.js';

const [program, source, pictures] = process.argv.slice(2).map((one) => path.resolve(one));
const tally = new Tally();
await rm(pictures, { recursive: true, force: true });

/** One size of the window: patient and staff of a practice of its own, then whether every route was visited. */
async function walk(scene, size) {
  const practice = { name: `harbour-${size}`, title: `Harbour Practice, ${size}` };
  const made = await scene.node.makePractice(practice.name, practice.title, 'harriet');
  practice.invitation = made.invitation_code;
  await tally.story(`patient, ${size}`, patientSteps(scene, size, practice));
  await tally.story(`staff, ${size}`, staffSteps(scene, size, practice));
  await tally.check(`every route has a walk, ${size}`, async () => {
    const left = scene.book.unvisited(size).map(({ method, path: at }) => `${method} ${at}`);
    if (left.length > 0) {
      throw new Error(`no walk opens ${left.join(', ')}: a page without a walk is not done`);
    }
  });
}

async function firefoxErrand(node, folder, practice) {
  const firefox = await Firefox.start(path.join(folder, 'firefox'), [node.authority]);
  try {
    await runErrand(firefoxHands(firefox), node.origin, practice.name, kPassword);
    const words = await firefox.text();
    if (!words.includes('Submitted forms') || !words.includes('phq-9')) {
      throw new Error(`Firefox does not show the form that it sent: ${words.slice(0, 300)}`);
    }
  } finally {
    await firefox.close();
  }
}

await withNode(program, async (folder, node) => {
  const open = await makeOpenPractice(node, folder, 'open', 'Open Practice');
  const foxes = await makeOpenPractice(node, folder, 'foxes', 'Fox Practice');
  const proxy = await Proxy.start(node, path.join(folder, 'proxy'), (answer) => proxy.change(answer));
  const stranger = await Proxy.start(node, path.join(folder, 'stranger'));
  proxy.change = () => {};
  const book = new VisitorsBook(await readRoutes(path.join(source, 'docs/routes.md')));
  const recordings = await readHeads(path.join(source, 'tests/browser/heads/chromium.txt'));
  const browser = await startChromium(path.join(folder, 'chromium'), [node.authority, proxy.authority]);
  try {
    const scene = { browser, node, book, open, album: new Album(pictures) };
    await Promise.all([walk(scene, 'desktop'), walk(scene, 'phone')]);
    await tally.story('the checks can fail', checkSteps({ ...scene, album: { keep: () => {} } }, proxy, stranger,
      recordings));
    await tally.check('Firefox: a form is sent and read, signed in', () => firefoxErrand(node, folder, foxes));
  } finally {
    await browser.close();
    await proxy.stop();
    await stranger.stop();
  }
});
process.stdout.write(`${tally.summary}\n`);
process.exit(tally.failed.length === 0 && tally.passed.length > 0 ? 0 : 1);
