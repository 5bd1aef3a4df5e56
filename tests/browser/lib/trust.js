// Trust in an authority as a person gives it: through the browser's own certificate store (NSS).
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An NSS store in `folder` that trusts `authorities` (PEM) to name servers, and nothing else new. */
export async function makeCertificateStore(folder, authorities) {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const store = `sql:${folder}`;
  await run('certutil', ['-N', '-d', store, '--empty-password']);
  for (const [index, pem] of authorities.entries()) {
    const file = path.join(folder, `authority-${index}.pem`);
    await writeFile(file, pem);
    await run('certutil', ['-A', '-d', store, '-n', `authority ${index}`, '-t', 'C,,', '-i', file]);
  }
}
