// The heads of requests as files: what differs from run to run has a word in its place.
import { readFile } from 'node:fs/promises';

/** One head as text, without its end. */
export function writeHead({ method, path, fields }) {
  const lines = [`${method} ${path} HTTP/1.1`];
  for (let i = 0; i < fields.length; i += 2) {
    lines.push(`${fields[i]}: ${fields[i + 1]}`);
  }
  return lines.join('\n').replace(/localhost:\d+/g, 'localhost:PORT')
    .replace(/^(Content-Length: )\d+$/mi, '$1LENGTH')
    .replace(/^(Cookie: __Host-session=).*$/mi, '$1TOKEN');
}

/** The blocks of a recording; lines with # are remarks. */
export function parseHeads(text) {
  return text.replace(/^#.*\n/gm, '').split('\n\n').map((block) => block.trim()).filter((block) => block !== '');
}

export async function readHeads(file) {
  return parseHeads(await readFile(file, 'utf8'));
}

/** The lines of a head that our server decides by, and the names of all others in order: not the versions in them. */
export function essence(head) {
  return head.split('\n').map((line, at) => {
    const name = line.slice(0, line.indexOf(':')).toLowerCase();
    const decides = at === 0 || ['host', 'origin', 'referer', 'cookie', 'content-type', 'content-length'].includes(name) ||
      name.startsWith('sec-fetch-');
    return decides ? line : name;
  }).filter((line) => !line.startsWith('sec-ch-') && line !== 'sec-gpc' && line !== 'priority').join('\n');
}
