// The routes of docs/routes.md, which tests/web/routes_test.cpp holds equal to the program, and who was there.
import { readFile } from 'node:fs/promises';

/** [{path, method}] of the document's table; PRACTICE, FORM and ID stand for any one segment. */
export function parseRoutes(text) {
  const routes = [];
  for (const [, path, methods] of text.matchAll(/^\| `(\/[^`]*)` \| ([A-Z, ]+) \|/gm)) {
    routes.push(...methods.split(', ').map((method) => ({ path, method })));
  }
  return routes;
}

export async function readRoutes(file) {
  const routes = parseRoutes(await readFile(file, 'utf8'));
  if (routes.length < 30) {
    throw new Error(`${file} has only ${routes.length} routes: its table was not understood`);
  }
  return routes;
}

function matches(route, path) {
  const wanted = route.path.split('/');
  const given = path.split('/');
  return wanted.length === given.length &&
    wanted.every((segment, i) => (/^[A-Z]+$/.test(segment) ? given[i] !== '' : segment === given[i]));
}

/** Which routes were visited with success, by size of the window. */
export class VisitorsBook {
  constructor(routes) {
    this.routes = routes;
    this.visits = new Set();
  }

  /** Only an answer that did what the route is for counts. */
  note(size, method, path, status) {
    if (status === 200 || status === 303) {
      this.visits.add(`${size} ${method} ${path}`);
    }
  }

  /** Routes that nobody visited at this size. */
  unvisited(size) {
    const seen = [...this.visits].map((line) => line.split(' ')).filter(([where]) => where === size);
    return this.routes.filter((route) => !seen.some(
      ([, method, path]) => method === route.method && matches(route, path)));
  }
}
