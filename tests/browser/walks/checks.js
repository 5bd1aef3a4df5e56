// The checks of the walk must be able to fail: each is shown a fault that was planted for it by a proxy.
import { chromiumHands, runErrand } from '../lib/errand.js';
import { essence, writeHead } from '../lib/heads.js';
import { Person } from '../lib/person.js';
import { exchange } from '../lib/proxy.js';
import { parseRoutes, VisitorsBook } from '../lib/routes.js';
import { kPassword } from '../lib/scene.js';

/** What `body` complains of; a body that is content is the failure. */
async function complaintOf(pattern, body) {
  const words = await body().then(() => 'nothing', (error) => String(error));
  if (!pattern.test(words)) {
    throw new Error(`the check should have found ${pattern}, and said: ${words}`);
  }
}

/** Opens the start page with the answer changed by `change`. */
async function visitChanged(scene, proxy, change) {
  proxy.change = change;
  const person = await Person.arrive({ ...scene, node: proxy }, 'desktop');
  try {
    await person.open('/');
  } finally {
    proxy.change = () => {};
    await person.leave();
  }
}

function replaceText(answer, from, to) {
  const text = answer.body.toString();
  if (answer.path === '/' && !text.includes(from)) {
    throw new Error(`the page has no ${from} to plant a fault in`);
  }
  answer.body = Buffer.from(text.replace(from, to));
  exchange(answer, 'content-length', String(answer.body.length));
}

export function checkSteps(scene, proxy, stranger, recordings) {
  return {
    'a page as it should be is taken': () => visitChanged(scene, proxy, () => {}),
    'a page that axe-core objects to is not': () => complaintOf(/axe html-has-lang/, () => visitChanged(scene, proxy,
      (answer) => replaceText(answer, '<html lang="en">', '<html>'))),
    'a page with a style of its own breaks the policy': () => complaintOf(/console: .*Content Security Policy/s,
      () => visitChanged(scene, proxy, (answer) => replaceText(answer, '</h1>', '</h1><style>p { color: red }</style>'))),
    'a page that is too wide is not taken': () => complaintOf(/wider than the window/, () => visitChanged(scene, proxy,
      (answer) => replaceText(answer, '</h1>', '</h1><svg width="3000" height="9" role="img" aria-label="x"></svg>'))),
    'an answer of another status is not taken': () => complaintOf(/answered 200, not 404/, async () => {
      const person = await Person.arrive(scene, 'desktop');
      try {
        await person.open('/', 404);
      } finally {
        await person.leave();
      }
    }),
    'a certificate of an authority that nobody trusts is not taken': () => complaintOf(/ERR_CERT_AUTHORITY_INVALID/,
      async () => {
        const page = await scene.browser.newPage();
        try {
          await page.goto(stranger.origin);
        } finally {
          await page.close();
        }
      }),
    'a route without a walk is named': async () => {
      const book = new VisitorsBook(parseRoutes('\n| `/a/ID` | GET, POST | x |\n| `/b` | GET | x |\n'));
      book.note('phone', 'GET', '/a/7', 200);
      book.note('phone', 'POST', '/a/7', 422);
      book.note('desktop', 'GET', '/b', 200);
      const left = book.unvisited('phone').map(({ method, path }) => `${method} ${path}`).join();
      if (left !== 'POST /a/ID,GET /b') {
        throw new Error(`the book misses "${left}"`);
      }
    },
    'with the referrer policy of old the origin is null: seen by the recordings, and taken by the server': async () => {
      const heads = await headsThrough(scene, proxy, (answer) => exchange(answer, 'referrer-policy', 'no-referrer'));
      await complaintOf(/Origin: null/, async () => compareHeads(heads, recordings));
    },
    'this browser sends what was recorded': async () => {
      compareHeads(await headsThrough(scene, proxy, () => {}), recordings);
    },
  };
}

async function headsThrough(scene, proxy, change) {
  proxy.change = change;
  proxy.heads.length = 0;
  const context = await scene.browser.newContext();
  try {
    await runErrand(chromiumHands(await context.newPage()), proxy.origin, scene.open.name, kPassword);
    return proxy.heads.filter(({ path }) => !/\.(css|ico)$/.test(path)).map(writeHead).map(
      (text) => text.replace(/\/thanks\/[0-9a-f]+/g, '/thanks/ID').replaceAll(scene.open.name, 'alpha'));
  } finally {
    proxy.change = () => {};
    await context.close();
  }
}

/** Held against the recording in what the server decides by; versions in the other lines may differ. */
export function compareHeads(heads, recordings) {
  for (const [index, recorded] of recordings.entries()) {
    const given = essence(heads[index] ?? '');
    if (given !== essence(recorded)) {
      throw new Error(`the browser sends\n${given}\nand not, as was recorded,\n${essence(recorded)}`);
    }
  }
}
